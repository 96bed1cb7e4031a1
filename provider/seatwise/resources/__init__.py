"""What a program declares: users, people, teams, providers, and look-ups."""
