"""Networks whose features tell pictures apart, built without weights. `translate.features` finds these by a word."""
