"""The classes and functions of a program: users, people, teams, providers, and look-ups.

Read in this order: `fields`, `owners`, `waiting`, `provider`, `user`, `person`, `roster`, `membership`, `lookup`.
"""
