"""The inference engines that run the shipped ONNX files; no Home Assistant import."""
