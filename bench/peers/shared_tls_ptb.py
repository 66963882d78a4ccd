"""python-telegram-bot with the one cheap improvement: all HTTP clients share a TLS context.

python bench/peers/shared_tls_ptb.py API_URL TOKENS_FILE
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

from telegram import Update
from telegram.ext import ApplicationBuilder, ContextTypes, MessageHandler, filters
from telegram.request import HTTPXRequest


async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """Say what was said."""
    await update.message.reply_text(update.message.text)


async def main(api_url: str, tokens: list[str]) -> None:
    """Run a bot for each token."""
    shared = {"verify": ssl.create_default_context()}
    for token in tokens:
        application = (
            ApplicationBuilder()
            .token(token)
            .base_url(f"{api_url}/bot")
            .request(HTTPXRequest(connection_pool_size=256, httpx_kwargs=shared))
            .get_updates_request(HTTPXRequest(connection_pool_size=1, httpx_kwargs=shared))
            .build()
        )
        application.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, echo))
        await application.initialize()
        await application.start()
        await application.updater.start_polling()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_text().split()))
