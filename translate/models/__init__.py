"""What a trained model is: its export, what it costs to run, and its ONNX form."""
