"""The page in the browser: a server of the standard library, for this machine alone unless the user says otherwise."""
