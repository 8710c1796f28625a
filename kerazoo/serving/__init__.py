"""A trained model in use: predictions for images, a compiled predictor, exports."""
