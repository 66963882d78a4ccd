"""Makes the database: users, and bots of the first one that are off.

python -m bench.peers.django_twin.prepare BOTS PASSWORD USER...

It prints the first user's token.
"""

from __future__ import annotations

import sys

import django


def main(bots: int, password: str, names: list[str]) -> None:
    """Migrate and fill."""
    django.setup()
    from django.contrib.auth import get_user_model  # noqa: PLC0415  # after setup()
    from django.core.management import call_command  # noqa: PLC0415
    from rest_framework.authtoken.models import Token  # noqa: PLC0415

    from bench.peers.django_twin.models import TelegramData  # noqa: PLC0415

    call_command("migrate", run_syncdb=True, verbosity=0)
    users = [get_user_model().objects.create_user(name, password=password) for name in names]
    for index in range(bots):
        TelegramData.objects.create(
            user=users[0], token=f"{100_000_000 + index}:{'A' * 35}", title="", active=False
        )
    print(Token.objects.create(user=users[0]).key)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
