"""The classes and functions of a program: users, people, teams, providers, and look-ups."""
