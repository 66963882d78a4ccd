"""Measures Botyard against stock python-telegram-bot and aiogram: `python -m bench`."""
