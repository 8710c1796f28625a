"""Where published weights come from, and how foreign files of them are read."""
