"""The people: their names, addresses, habits, and what the CRM knows of them.

Activity is heavy-tailed: a few come to everything, most to little. Some have two addresses, some were merged, some were
archived and come back, some never were contacts, some work for the company itself.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

FIRST = (
    "Anna:anna Zoé:zoe Jürgen:juergen Łukasz:lukasz Søren:soren Aiko:aiko Mateo:mateo Priya:priya Olivia:olivia "
    "Noah:noah Emma:emma Liam:liam Amélie:amelie Björn:bjorn Chloé:chloe Dmitri:dmitri Elif:elif Fatima:fatima "
    "Giulia:giulia Hans:hans Ingrid:ingrid João:joao Kateřina:katerina Lars:lars Mireille:mireille Nadia:nadia "
    "Óscar:oscar Petra:petra Quentin:quentin Rósa:rosa Sanjay:sanjay Tomáš:tomas Ursula:ursula Valentín:valentin "
    "Wanda:wanda Xavier:xavier Yara:yara Zeynep:zeynep 伟:wei 美玲:meiling Jane:jane Robert:robert Grace:grace "
    "Samuel:samuel Thandiwe:thandiwe Kofi:kofi Aroha:aroha Mikko:mikko Pádraig:padraig Sofía:sofia"
)
LAST = (
    "Müller:mueller Lefèvre:lefevre Kowalska:kowalska Nguyễn:nguyen Großmann:grossmann Øster:oster Tanaka:tanaka "
    "García:garcia Sharma:sharma Smithson:smithson Weißenfels:weissenfels Rossi:rossi Åkesson:akesson "
    "O'Dwyer:odwyer Petrov:petrov Yılmaz:yilmaz Haddad:haddad Bianchi:bianchi Schreiber:schreiber "
    "Lindqvist:lindqvist Araújo:araujo Dvořák:dvorak Halvorsen:halvorsen Dubois:dubois Novák:novak Ibáñez:ibanez "
    "Horváth:horvath Delacroix:delacroix Jónsdóttir:jonsdottir Iyer:iyer 李:li 王:wang Carter:carter "
    "Bennett:bennett Okafor:okafor Mensah:mensah Ngata:ngata Virtanen:virtanen Murphy:murphy "
    "Castellanos:castellanos Abdi:abdi Steiner:steiner"
)
WORDS = (
    "alder birch cedar dune ember fjord grove harbor indigo juniper kelp lark meadow nimbus onyx pine quartz "
    "river sage timber umber vale willow zephyr"
)
TRADES = ("logistics", "foods", "energy", "textiles", "optics", "health", "retail", "robotics")
HOUSE = "kestrel-signal.example"
GATEWAYS = ("shielded-mail.example", "filtergate.example")
ROLES = ("Analyst", "Head of Marketing", "Engineer", "Operations Lead", "Founder", "Sales Manager", "Data Lead", "CFO")


@dataclass
class Person:
    """Somebody, as they are; what a vendor knows of them is another matter."""

    number: int
    first: str
    last: str
    email: str
    company: str
    joined: datetime
    zeal: float
    contact_id: str = ""
    archived_at: datetime | None = None
    second_email: str = ""
    merged_ids: list[str] = field(default_factory=list)
    in_house: bool = False
    title: str = ""

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}".strip()

    def known_at(self, moment: datetime) -> bool:
        """Was there a contact of this person at that moment?"""
        return bool(self.contact_id) and self.joined <= moment


@dataclass
class Cast:
    """Everybody: contacts, staff, and passers-by who are no contacts (yet)."""

    contacts: list[Person]
    staff: list[Person]
    strangers: list[Person]
    begin: datetime


def cast_of(dice: random.Random, count: int, now: datetime) -> Cast:
    """Draw everybody."""
    begin = now - timedelta(days=3 * 365 + 20)
    firsts, lasts = _pairs(FIRST), _pairs(LAST)
    domains = [f"{word}-{trade}.example" for word in WORDS.split() for trade in TRADES]
    domains += [*GATEWAYS, "example.com", "example.org", "example.net"] * 12
    taken: set[str] = set()
    people = [_person(dice, number, firsts, lasts, domains, taken, begin, now) for number in range(int(count * 1.12))]
    contacts, strangers = people[:count], people[count:]
    numbers = _numbers(dice, count * 2)
    for person in contacts:
        person.contact_id = next(numbers)
    _bend(dice, contacts, numbers, taken, now)
    staff = [
        _employee(at, first, last, begin) for at, (first, last) in enumerate(zip(firsts, lasts, strict=False)) if at < 8
    ]
    for person in staff[5:]:  # three of them are contacts too
        person.contact_id = next(numbers)
    return Cast(contacts, staff, strangers, begin)


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(word.partition(":")[0], word.partition(":")[2]) for word in text.split()]


def _numbers(dice: random.Random, count: int) -> Numbers:
    return Numbers(dice, count)


class Numbers:
    """Ascending record ids with gaps, of the length that HubSpot's have."""

    def __init__(self, dice: random.Random, count: int) -> None:
        self.dice = dice
        self.last = 51_000_000 + count

    def __iter__(self) -> Numbers:
        return self

    def __next__(self) -> str:
        self.last += self.dice.randint(1, 97)
        return str(self.last)


def _person(
    dice: random.Random,
    number: int,
    firsts: list[tuple[str, str]],
    lasts: list[tuple[str, str]],
    domains: list[str],
    taken: set[str],
    begin: datetime,
    now: datetime,
) -> Person:
    (first, plain_first), (last, plain_last) = dice.choice(firsts), dice.choice(lasts)
    domain = dice.choice(domains)
    local = dice.choice((f"{plain_first}.{plain_last}", f"{plain_first[0]}{plain_last}", f"{plain_first}{number}"))
    email = f"{local}@{domain}"
    if email in taken:
        email = f"{local}{number}@{domain}"
    taken.add(email)
    span = (now - timedelta(days=2) - begin).total_seconds()
    joined = begin + timedelta(seconds=int(span * dice.random() ** 1.3))
    zeal = min(dice.paretovariate(1.4) - 0.9, 25.0)
    company = domain.partition(".")[0].replace("-", " ").title() if domain.endswith(".example") else ""
    return Person(number, first, last, email, company, joined, zeal, title=dice.choice(ROLES))


def _bend(dice: random.Random, contacts: list[Person], numbers: Numbers, taken: set[str], now: datetime) -> None:
    """Secondary addresses, merges, archived ones, and the odd shapes that addresses have in real portals."""
    for person in contacts:
        fate = dice.random()
        local, _, domain = person.email.partition("@")
        if fate < 0.04:
            person.second_email = f"{local}+news@{domain}" if dice.random() < 0.3 else f"{local}.private@example.net"
        elif fate < 0.055:
            person.second_email = f"{local}.old@{dice.choice(('example.com', 'example.org'))}"
            person.merged_ids = [next(numbers)]
            if dice.random() < 0.2:
                person.merged_ids.append(next(numbers))
        elif fate < 0.072:
            person.archived_at = person.joined + (now - person.joined) * dice.uniform(0.3, 0.95)
        elif fate < 0.076:
            person.email = f"{local.title()}@{domain}"
        if person.second_email and person.second_email in taken:
            person.second_email = f"{person.number}.{person.second_email}"
        if person.second_email:
            taken.add(person.second_email)
    contacts[0].first = "Max 🚀"


def _employee(at: int, first: tuple[str, str], last: tuple[str, str], begin: datetime) -> Person:
    email = f"{first[1]}.{last[1]}@{HOUSE}"
    joined = begin + timedelta(days=at)
    return Person(900_000 + at, first[0], last[0], email, "Kestrel Signal", joined, 2.0, in_house=True)


def moment_between(dice: random.Random, first: datetime, last: datetime) -> datetime:
    """An instant to the millisecond; the first one where there is nothing between."""
    span = max((last - first).total_seconds(), 0.0)
    return first + timedelta(milliseconds=int(span * 1000 * dice.random()))


def worn(dice: random.Random, address: str) -> str:
    """The address as people type it: mostly right, now and then with capitals or blanks."""
    fate = dice.random()
    if fate < 0.03:
        return address.upper()
    if fate < 0.05:
        return f" {address} "
    if fate < 0.08:
        return address[0].upper() + address[1:]
    return address
