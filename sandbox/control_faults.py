"""HTTP control of what is put into the way of bots: faults and flood limits."""

from __future__ import annotations

from sandbox.control_base import ControlHandler


class Faults(ControlHandler):
    """/control/faults"""

    def get(self) -> None:
        """List the faults."""
        self.answer([fault.as_json() for fault in self.sandbox.faults])

    def post(self) -> None:
        """Inject a fault: {kind, bot_id?, method?, chat_id?, text?, status?, times?, ...}."""
        fields = self.only(
            kind=str,
            bot_id_=int,
            method_=str,
            chat_id_=int,
            token_=str,
            text_=str,
            status_=int,
            description_=str,
            retry_after_=int,
            seconds_=(int, float),
            body_=str,
            times_=int,
        )
        self.answer(self.sandbox.inject(**fields).as_json(), status=201)

    def delete(self) -> None:
        """Remove every fault."""
        self.sandbox.clear()
        self.set_status(204)


class OneFault(ControlHandler):
    """/control/faults/{id}"""

    def delete(self, fault_id: str) -> None:
        """Remove one fault."""
        self.sandbox.clear(int(fault_id))
        self.set_status(204)


class Limits(ControlHandler):
    """/control/limits"""

    def get(self) -> None:
        """Tell whether Telegram's flood limits are on."""
        self.answer({"limits": self.sandbox.limits})

    def post(self) -> None:
        """Switch Telegram's flood limits on or off: {limits}."""
        self.sandbox.set_limits(self.only(limits=bool)["limits"])
        self.answer({"limits": self.sandbox.limits})
