"""An account that only its own actor touches, used by many green threads at once.

python actor.py
"""

from dataclasses import dataclass

from eventlet import hub
from eventlet.coros import Actor, Event


@dataclass(frozen=True)
class Deposit:
    """Put so much in."""

    amount: int


@dataclass(frozen=True)
class Ask:
    """Send the balance to `answer`."""

    answer: Event[int]


class Account(Actor):
    """Handles one message after another, so that its balance needs no lock."""

    def __init__(self) -> None:
        super().__init__()
        self._balance = 0

    def received(self, message: Deposit | Ask) -> None:
        match message:
            case Deposit(amount):
                before = self._balance
                hub.sleep(0.001)  # as if it asked a database: others may cast meanwhile
                self._balance = before + amount
            case Ask(answer):
                answer.send(self._balance)


def balance(account: Account) -> int:
    """Ask the account, and wait for its answer."""
    answer: Event[int] = Event()
    account.cast(Ask(answer))
    return answer.wait(timeout=10)


def main() -> None:
    account = Account()
    customers = [hub.spawn(account.cast, Deposit(amount)) for amount in range(1, 11)]
    for customer in customers:
        customer.wait()
    print("balance:", balance(account))


if __name__ == "__main__":
    main()
