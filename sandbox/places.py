"""Bot API methods that send a location, a venue or a contact."""

from __future__ import annotations

import math
from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import Message
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.sending import send
from sandbox.targets import read_chat

MAX_ACCURACY = 1500.0  # meters
MAX_HEADING = 360  # degrees
MAX_ALERT_RADIUS = 100_000  # meters
LIVE_SECONDS = range(60, 86_401)
FOR_EVER = 0x7FFFFFFF  # a live location that does not end


def send_location(bot: SandboxBot, params: Params) -> Message:
    """sendLocation. Source: https://core.telegram.org/bots/api#sendlocation"""
    chat = read_chat(bot, params)
    location = {**_location(params, "location"), **_live(params)}
    return send(bot, "sendLocation", chat, params, {"location": location})


def send_venue(bot: SandboxBot, params: Params) -> Message:
    """sendVenue. Source: https://core.telegram.org/bots/api#sendvenue"""
    chat = read_chat(bot, params)
    location = _location(params, "venue location")
    venue = {
        "location": location,
        "title": params.required("title"),
        "address": params.required("address"),
        **_given(params, "foursquare_id", "foursquare_type"),
        **_given(params, "google_place_id", "google_place_type"),
    }
    # A venue is a location too, for bots that know no venues.
    return send(bot, "sendVenue", chat, params, {"venue": venue, "location": location})


def send_contact(bot: SandboxBot, params: Params) -> Message:
    """sendContact. Source: https://core.telegram.org/bots/api#sendcontact"""
    chat = read_chat(bot, params)
    contact = {
        "phone_number": params.required("phone_number"),
        "first_name": params.required("first_name"),
        **_given(params, "last_name", "vcard"),
    }
    return send(bot, "sendContact", chat, params, {"contact": contact})


def _given(params: Params, *names: str) -> dict[str, str]:
    return {name: params.text(name) for name in names if params.text(name)}


def _location(params: Params, what: str) -> dict[str, Any]:
    for name in ("latitude", "longitude"):
        if not params.text(name).strip():
            raise bad_request(f"{name} is empty")
    latitude, longitude = _number(params, "latitude"), _number(params, "longitude")
    if not abs(latitude) <= 90 or not abs(longitude) <= 180:
        raise bad_request(f"wrong {what} specified")
    accuracy = _number(params, "horizontal_accuracy")
    location = {"latitude": latitude, "longitude": longitude}
    if accuracy > 0:
        location["horizontal_accuracy"] = math.ceil(min(accuracy, MAX_ACCURACY))
    return location


def _number(params: Params, name: str) -> float:
    """Read a number as Telegram does: what is none is 0, as are infinity and NaN out of range."""
    try:
        number = float(params.text(name) or 0)
    except ValueError:
        return 0.0
    return math.inf if math.isnan(number) else number


def _live(params: Params) -> dict[str, int]:
    period, heading = params.integer("live_period"), params.integer("heading")
    radius = params.integer("proximity_alert_radius")
    if period and period not in LIVE_SECONDS and period != FOR_EVER:
        raise bad_request("wrong live location period specified")
    if not 0 <= heading <= MAX_HEADING:
        raise bad_request("wrong live location heading specified")
    if not 0 <= radius <= MAX_ALERT_RADIUS:
        raise bad_request("wrong live location proximity alert radius specified")
    if not period:
        return {}
    live = {"live_period": period, "heading": heading, "proximity_alert_radius": radius}
    return {name: value for name, value in live.items() if value}
