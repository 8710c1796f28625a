"""What a network is and what it sees: functions that return data."""
