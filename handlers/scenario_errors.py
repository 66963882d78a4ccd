"""Translates the errors about scenarios into those of the API."""

from __future__ import annotations

from dialogs.scenarios import InvalidEvents, InvalidScenario, InvalidText, Severity
from handlers import errors
from handlers.errors import ApiError, Code, FieldErrors
from handlers.presentation_scenarios import present_played
from handlers.times import rfc3339
from models import errors as storage
from services import errors as services
from services.scenarios import InvalidDraft, InvalidTests


def translate_scenario(error: BaseException) -> ApiError | None:
    """Translate an error about scenarios; None for any other."""
    match error:
        case InvalidScenario():
            return _translate_invalid(error)
        case services.TestsFailed():
            return errors.Conflict(
                f"{len(error.problems)} of the scenario's tests fail. Mend the scenario or the "
                'tests, or publish with "force".',
                code=Code.TESTS_FAILED,
                errors=error.problems,
            )
        case services.TooMuchPlaying():
            return errors.TooManyRequests(
                "You check or play too many scenarios at once. Try again when some have ended.",
                seconds=5,
                code=Code.BUSY,
            )
        case services.VersionNotFound():
            return errors.NotFound(f"Bot {error.bot_id} has no version {error.n} of its scenario.")
        case services.StateNotFound():
            return errors.NotFound(
                f'No version of the scenario of bot {error.bot_id} has a state "{error.state}".'
                f"{error.hint}"
            )
        case services.TalkNotFound():
            return errors.NotFound(f"Bot {error.bot_id} has no such conversation.")
        case storage.BotDeleted():
            return errors.NotFound(f"You have no bot {error.bot_id}.")
        case storage.DraftChanged():
            return _changed(error)
        case storage.TestsChanged():
            return errors.PreconditionFailed(
                "The tests are not those that you have read: somebody has saved others since. "
                "Read them again, and add your changes.",
                code=Code.TESTS_CHANGED,
                headers={"ETag": f'"{error.tag}"'},
            )
    return None


def _translate_invalid(error: InvalidScenario) -> ApiError:
    """Translate an error about a document, by what it should have been."""
    match error:
        case InvalidEvents():
            refused = _invalid(error, "The events are invalid", inside="/events")
            if error.played is not None:
                refused.members = {"played": present_played(error.played)}
            return refused
        case InvalidTests():
            return _invalid(error, "The tests are invalid", inside="/tests")
        case InvalidText():
            return _invalid(error, "The body is invalid")
        case InvalidDraft():
            return _invalid(error, "The draft is invalid")
    return _invalid(error, "The scenario is invalid")


def _invalid(error: InvalidScenario, what: str, *, inside: str = "") -> ApiError:
    """Return the errors by JSON Pointer (RFC 6901)."""
    by_place: FieldErrors = {}
    for problem in error.problems:
        if problem.severity is Severity.ERROR:
            place = inside + problem.pointer or "non_field_errors"
            by_place.setdefault(place, []).append(problem.message)
    return errors.BadRequest(
        f"{what} in {len(by_place)} place{'s' * (len(by_place) > 1)}.",
        code=Code.VALIDATION_FAILED,
        errors=by_place,
    )


def _changed(error: storage.DraftChanged) -> ApiError:
    who = f" by {error.by}" if error.by else ""
    when = f" at {rfc3339(error.at)}" if error.at else ""
    told = f"It was saved{who}{when}." if error.at else "There is none."
    return errors.PreconditionFailed(
        f"The draft is not the one that you have read. {told} Read it again, and add your changes.",
        headers={"ETag": f'"{error.revision}"'},
    )
