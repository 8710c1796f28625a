"""A trained model in use: predictions for images, and a compiled predictor."""
