"""How the bundled encoder is made: weights and corpus -> calibrated int8 ONNX graph -> model folder and PCA basis."""
