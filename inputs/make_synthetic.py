"""Write the synthetic registers of this folder, byte for byte the same every time.

    python inputs/make_synthetic.py             write every file
    python inputs/make_synthetic.py --compare   write nothing; exit 1 if a file differs from what would be written

Everything here is made up. The registers have the form, the sizes and the flaws that a small agency's registers have,
and they are shaped so that every verdict occurs. ``appropriation_2023.csv`` is the annex of the agreement and is not
touched.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HERE = Path(__file__).parent
MARK = "# SYNTEETTINEN AINEISTO / SYNTETISKT MATERIAL / SYNTHETIC DATA"

Row = list[str]
Table = tuple[Row, list[Row]]

MUNICIPALITIES = ("Hyrynsalmi", "Kajaani", "Kuhmo", "Paltamo", "Puolanka", "Ristijärvi", "Sotkamo", "Suomussalmi")
SIZES = ("mikro", "pieni", "keskisuuri", "suuri")
SATURDAY = 5


# --- dates, numbers and chance -------------------------------------------------------------------------------------


class Chance:
    """Draws that stay the same on every Python: built on ``random()`` alone, one stream per register."""

    def __init__(self, name: str) -> None:
        """Start the stream of a register."""
        self._random = random.Random(f"tulosvahti 2023 {name}").random  # noqa: S311 (made-up data, no secret)

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number, both ends possible."""
        return low + int(self._random() * (high - low + 1))

    def one(self, items: Sequence[str]) -> str:
        """Draw one of the items."""
        return items[self.whole(0, len(items) - 1)]

    def happens(self, percent: int) -> bool:
        """Tell whether something that happens this often happens now."""
        return self._random() * 100 < percent

    def mixed(self, items: Iterable[str]) -> list[str]:
        """Give the items in another order."""
        return [item for _, item in sorted((self._random(), item) for item in items)]

    def days(self, first: date, last: date, count: int) -> list[date]:
        """Draw working days between two dates, in order; a day may come twice."""
        span = (last - first).days
        return sorted(_working(first + timedelta(self.whole(0, span)), first) for _ in range(count))


def _working(day: date, first: date) -> date:
    while day.weekday() >= SATURDAY:
        day -= timedelta(1)
    if day >= first:
        return day
    while day < first or day.weekday() >= SATURDAY:
        day += timedelta(1)
    return day


def fi(day: date) -> str:
    """Write a date as 31.12.2023."""
    return f"{day:%d.%m.%Y}"


def number(value: int, decimals: int = 0) -> str:
    """Write a whole number of tenths, hundredths … with a decimal comma."""
    if not decimals:
        return str(value)
    sign, digits = "-" if value < 0 else "", str(abs(value)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]},{digits[-decimals:]}"


def euros(value: int) -> str:
    """Write euros with spaces between thousands."""
    return f"{value:,}".replace(",", " ")


def yes(value: bool) -> str:  # noqa: FBT001
    """Write a truth value."""
    return "kyllä" if value else "ei"


def months(first: date, last: date) -> list[date]:
    """Give the first days of the months between two dates."""
    return [
        date(year, month, 1)
        for year in range(first.year, last.year + 1)
        for month in range(1, 13)
        if first <= date(year, month, 1) <= last
    ]


# --- statistics ----------------------------------------------------------------------------------------------------


def employment_rate() -> Table:
    """Make the national employment rate by month, in tenths of a percent."""
    yearly = {
        2020: (716, 711, 706, 688, 691, 712, 725, 714, 709, 712, 710, 714),
        2021: (703, 706, 711, 710, 721, 741, 744, 728, 727, 729, 731, 730),
        2022: (728, 731, 736, 737, 745, 754, 751, 738, 737, 736, 739, 738),
        2023: (734, 736, 738, 739, 744, 751, 748, 737, 736, 735, 736, 734),
        2024: (729, 727),
    }
    rows = [
        [f"{year}-{month:02}", number(value, 1), fi(_published(year, month, 20))]
        for year, values in yearly.items()
        for month, value in enumerate(values, start=1)
    ]
    return ["month", "employment_rate", "published_on"], rows


def _published(year: int, month: int, day: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return _working(following + timedelta(day), following)


def unemployment_statistics() -> Table:
    """Make the unemployment of each municipality by month: ongoing spells, and the flow past three months."""
    chance = Chance("unemployment_statistics")
    sizes = {
        "Hyrynsalmi": 118,
        "Kajaani": 1790,
        "Kuhmo": 395,
        "Paltamo": 152,
        "Puolanka": 128,
        "Ristijärvi": 64,
        "Sotkamo": 432,
        "Suomussalmi": 398,
    }
    weeks = {2020: 370, 2021: 446, 2022: 428, 2023: 406, 2024: 399}
    flow = {2020: 421, 2021: 392, 2022: 381, 2023: 374, 2024: 369}
    rows = []
    for month in months(date(2020, 1, 1), date(2024, 2, 1)):
        for place in MUNICIPALITIES:
            season = 100 + (6 if month.month in {1, 2, 7, 12} else -3)
            spells = sizes[place] * season * chance.whole(97, 103) // 10_000
            duration = weeks[month.year] + chance.whole(-14, 14) + (month.month - 6) // 3
            started = max(spells * chance.whole(14, 18) // 100, 6)
            over = (started * (flow[month.year] + chance.whole(-22, 22)) + 500) // 1000
            published = fi(_published(month.year, month.month, 21))
            rows.append(
                [
                    f"{month:%Y-%m}",
                    place,
                    str(spells),
                    str(spells * duration // 10),
                    str(started),
                    str(over),
                    published,
                ]
            )
    header = ["month", "municipality", "ongoing_spells", "spell_weeks", "started", "over_3_months", "published_on"]
    return header, rows


def rd_expenditure() -> Table:
    """Research and development expenditure and GDP, millions of euros."""
    figures = {
        2015: (6071, 211_385),
        2016: (5926, 217_518),
        2017: (6173, 226_301),
        2018: (6438, 233_462),
        2019: (6715, 239_858),
        2020: (6933, 238_038),
        2021: (7480, 250_923),
        2022: (7855, 268_602),
    }
    rows = [
        [str(year), euros(rd), euros(gdp), fi(_working(date(year + 1, 10, 26), date(year + 1, 10, 1)))]
        for year, (rd, gdp) in figures.items()
    ]
    return ["year", "rd_meur", "gdp_meur", "published_on"], rows


def greenhouse_gases() -> Table:
    """Emissions and removals of the whole country, thousand tonnes of CO2 equivalent, in tenths."""
    chance = Chance("greenhouse_gases")
    rows = []
    for year in range(2010, 2023):
        emissions = 752_000 - 22_900 * (year - 2010) + chance.whole(-12_000, 12_000)
        removals = max(268_000 - 21_500 * (year - 2010), 12_000) + chance.whole(-6_000, 6_000)
        published = fi(_working(date(year + 1, 5, 25), date(year + 1, 5, 1)))
        rows.append([str(year), number(emissions, 1), number(removals, 1), published])
    return ["year", "emissions_kt", "removals_kt", "published_on"], rows


def road_indicators() -> Table:
    """Road indicators of the region, kept by the centre that answers for traffic."""
    figures = {
        2018: (61, 318, 291),
        2019: (58, 321, 294),
        2020: (49, 326, 297),
        2021: (52, 324, 288),
        2022: (47, 319, 282),
        2023: (44, 315, 279),
    }
    rows = [
        [str(year), str(accidents), number(people, 2), number(heavy, 2), fi(date(year + 1, 2, 12))]
        for year, (accidents, people, heavy) in figures.items()
    ]
    return ["year", "accidents", "citizens_score", "heavy_traffic_score", "published_on"], rows


def urban_structure() -> Table:
    """Make the population of the urban region of Kajaani by part: all, and where 20 or more live on a hectare."""
    parts = {
        "Keskusta": (9240, 8310),
        "Lehtikangas": (6310, 4140),
        "Lohtaja": (4520, 2530),
        "Kättö": (3180, 1120),
        "Otanmäki": (1660, 310),
        "Reuna-alueet": (6890, 260),
    }
    rows = []
    for year in range(2019, 2024):
        for name, (people, dense) in parts.items():
            gone = 2023 - year
            moved = dense - gone * (14 if name != "Reuna-alueet" else 3)
            published = fi(_working(date(year, 11, 20), date(year, 11, 1)))
            rows.append([str(year), name, str(people + gone * 21), str(moved), published])
    return ["year", "part", "population", "dense_population", "published_on"], rows


# --- business services ---------------------------------------------------------------------------------------------


def crm_leads() -> Table:
    """Make the leads of the growth CRM."""
    chance = Chance("crm_leads")
    needs = ("kansainvälistyminen", "TKI", "investointi", "digitalisaatio", "omistajanvaihdos", "vihreä siirtymä")
    targets = ("ELY-keskus", "TE-toimisto", "Business Finland", "Finnvera", "kehitysyhtiö")
    days = [
        *chance.days(date(2020, 1, 7), date(2020, 12, 22), 118),
        *chance.days(date(2021, 1, 7), date(2021, 12, 22), 127),
        *chance.days(date(2022, 1, 7), date(2022, 12, 22), 141),
        *chance.days(date(2023, 1, 9), date(2023, 11, 29), 131),
        *chance.days(date(2023, 12, 1), date(2023, 12, 21), 21),
        *chance.days(date(2024, 1, 8), date(2024, 3, 27), 42),
        date(2024, 3, 27),
    ]
    rows = [
        [
            f"L-{index:05}",
            fi(day),
            chance.one(SIZES[:3]),
            chance.one(needs),
            chance.one(MUNICIPALITIES),
            chance.one(targets),
        ]
        for index, day in enumerate(days, start=1)
    ]
    twice = rows[431]
    rows.insert(433, list(twice))
    rows.insert(512, ["L-90001", "31.11.2023", "pieni", "investointi", "Sotkamo", "Finnvera"])
    return ["lead_id", "logged_on", "company_size", "need", "municipality", "referred_to"], rows


def company_meetings() -> Table:
    """Meetings with companies: visits and remote meetings, and when each was put into the CRM."""
    chance = Chance("company_meetings")
    visits = [
        *chance.days(date(2021, 1, 11), date(2021, 12, 17), 96),
        *chance.days(date(2022, 1, 11), date(2022, 12, 17), 104),
        *chance.days(date(2023, 1, 11), date(2023, 11, 29), 113),
        *chance.days(date(2023, 12, 1), date(2023, 12, 15), 8),
        *chance.days(date(2024, 1, 9), date(2024, 3, 26), 27),
    ]
    remote = [
        *chance.days(date(2021, 1, 11), date(2021, 12, 17), 131),
        *chance.days(date(2022, 1, 11), date(2022, 12, 17), 98),
        *chance.days(date(2023, 1, 11), date(2023, 12, 15), 84),
        *chance.days(date(2024, 1, 9), date(2024, 3, 26), 19),
    ]
    both = sorted([*((day, "yrityskäynti") for day in visits), *((day, "etätapaaminen") for day in remote)])
    rows = []
    for index, (day, kind) in enumerate(both, start=1):
        logged = (
            "" if day.year == 2021 and chance.happens(6) else fi(_working(day + timedelta(chance.whole(0, 2)), day))
        )
        rows.append([f"Y-{index:05}", fi(day), kind, chance.one(SIZES), chance.one(MUNICIPALITIES), logged])
    return ["meeting_id", "held_on", "kind", "company_size", "municipality", "crm_logged_on"], rows


def funded_projects() -> Table:
    """Funding decisions: what was granted and what growth the company expects from the project."""
    chance = Chance("funded_projects")
    funds = ("yrityksen kehittämisavustus", "maaseuturahasto", "energiatuki", "JTF")
    yearly = {2020: (52, 52), 2021: (61, 48), 2022: (57, 51), 2023: (62, 55), 2024: (14, 55)}
    rows: list[Row] = []
    for year, (count, factor) in yearly.items():
        last = date(2024, 3, 25) if year == 2024 else date(year, 12, 19)
        for day in chance.days(date(year, 1, 12), last, count):
            index = len(rows) + 1
            diary = f"KAIELY/{200 + index * 3}/{year}"
            if chance.happens(12):
                rows.append([f"P-{index:04}", diary, fi(day), "hylätty", chance.one(funds), "", "", "", "", ""])
                continue
            granted = chance.whole(12, 220) * 1000
            jobs = chance.whole(0, 5 if year < 2023 else 6) * 5
            growth = granted * (factor + chance.whole(-18, 18)) // 10
            export = growth * chance.whole(0, 40) // 100 if chance.happens(45) else 0
            patents = chance.whole(1, 2) if chance.happens(14) else 0
            rows.append(
                [
                    f"P-{index:04}",
                    diary,
                    fi(day),
                    "myönnetty",
                    chance.one(funds),
                    euros(granted),
                    number(jobs, 1),
                    euros(growth),
                    euros(export),
                    str(patents),
                ]
            )
    rows[70][6] = "n. kaksi"
    rows[188][1] = rows[188][1].replace("/", "-")
    header = [
        "project_id",
        "diary_number",
        "decided_on",
        "state",
        "fund",
        "granted_eur",
        "jobs",
        "turnover_growth_eur",
        "export_growth_eur",
        "patents",
    ]
    return header, rows


def grant_authority() -> Table:
    """Make the authority to grant, by fund, and the decisions that used it, in euros."""
    chance = Chance("grant_authority")
    # fund, available in 2021 to 2024, used by 30 November 2023 (percent), used in 2023 (hundredths of a percent)
    funds = (
        ("TKI", (310_000, 340_000, 360_000, 380_000), 94, 10_000),
        ("maaseuturahasto", (2_400_000, 2_450_000, 2_500_000, 2_300_000), 84, 9_981),
        ("rakennetuki", (1_150_000, 1_180_000, 1_200_000, 1_250_000), 100, 10_000),
    )
    entries: list[tuple[date, str, int, int]] = []
    for fund, available, by_november, at_end in funds:
        for year, euro in zip(range(2021, 2025), available, strict=True):
            entries.append((date(year, 1, 12), fund, euro, 0))
            if year == 2024:
                parts = [(date(2024, 1, 22), date(2024, 3, 25), euro * 27 // 100, 6)]
            elif year == 2023:
                early, late = euro * by_november // 100, euro * at_end // 10_000
                parts = [
                    (date(2023, 1, 23), date(2023, 11, 28), early, 17),
                    (date(2023, 12, 4), date(2023, 12, 19), late - early, 4),
                ]
            else:
                parts = [(date(year, 1, 23), date(year, 12, 18), euro, 18)]
            for first, last, total, count in parts:
                if total:
                    days = chance.days(first, last, count)
                    entries += [
                        (day, fund, 0, part) for day, part in zip(days, _shares(chance, total, count), strict=True)
                    ]
    rows = [
        [f"V-{index:04}", fi(day), fund, euros(available), euros(granted)]
        for index, (day, fund, available, granted) in enumerate(sorted(entries), start=1)
    ]
    return ["entry_id", "booked_on", "fund", "available_eur", "granted_eur"], rows


def _shares(chance: Chance, total: int, count: int) -> list[int]:
    """Divide a whole number into parts of differing size."""
    weights = [chance.whole(60, 140) for _ in range(count)]
    parts = [total * weight // sum(weights) for weight in weights]
    parts[-1] += total - sum(parts)
    return parts


def eures_services() -> Table:
    """EURES services: recruitments and vacancies on the portal."""
    chance = Chance("eures_services")
    sectors = ("kaivostoiminta", "matkailu", "maatalous", "metalliteollisuus", "sosiaali- ja terveysala", "ICT")
    plan = {
        "rekrytointi": ((2020, 19, 0), (2021, 26, 0), (2022, 34, 0), (2023, 37, 4), (2024, 9, 0)),
        "työpaikkailmoitus": ((2020, 74, 0), (2021, 98, 0), (2022, 121, 0), (2023, 104, 13), (2024, 31, 0)),
        "yritystapahtuma": ((2020, 3, 0), (2021, 5, 0), (2022, 6, 0), (2023, 7, 1), (2024, 2, 0)),
    }
    events: list[tuple[date, str]] = []
    for kind, years in plan.items():
        for year, early, late in years:
            last = date(2024, 3, 27) if year == 2024 else date(year, 11 if late else 12, 29 if late else 20)
            events += [(day, kind) for day in chance.days(date(year, 1, 8), last, early)]
            events += [(day, kind) for day in chance.days(date(year, 12, 4), date(year, 12, 20), late)]
    rows = [
        [f"E-{index:04}", fi(day), kind, chance.one(sectors), chance.one(MUNICIPALITIES)]
        for index, (day, kind) in enumerate(sorted(events), start=1)
    ]
    return ["event_id", "happened_on", "kind", "sector", "municipality"], rows


def activities() -> Table:
    """Broadcasts, newsletters, reports to the management group, briefings and stakeholder events."""
    chance = Chance("activities")
    events: list[tuple[date, str, int]] = []
    for month in months(date(2020, 1, 1), date(2024, 3, 1)):
        if month.month != 7:
            tuesdays = [day for day in (month + timedelta(n) for n in range(28)) if day.weekday() == 1]
            events += [(day, "tietotiistai", chance.whole(18, 74)) for day in (tuesdays[1], tuesdays[3])]
    for year in range(2020, 2025):
        plan = {
            "kv-infolähetys": [(2, 9), (5, 11), (9, 21)],
            "uutiskirje": [(3, 15), (6, 8), (9, 27), (11, 22)],
            "ilmastoraportti": [(6, 14), (12, 13)],
            "ilmastoinfo": [(1, 26), (3, 23), (4, 20), (9, 14), (10, 26), (11, 30)],
        }
        for kind, days in plan.items():
            people = 0 if kind in {"uutiskirje", "ilmastoraportti"} else chance.whole(22, 90)
            events += [(_working(date(year, *day), date(year, 1, 1)), kind, people) for day in days]
        early, late = {2020: (7, 0), 2021: (11, 1), 2022: (13, 1), 2023: (13, 1), 2024: (2, 0)}[year]
        last = date(2024, 3, 21) if year == 2024 else date(year, 11, 24)
        water = [
            *chance.days(date(year, 1, 20), last, early),
            *chance.days(date(year, 12, 4), date(year, 12, 12), late),
        ]
        events += [(day, "vesien sidosryhmätilaisuus", chance.whole(9, 48)) for day in water]
    rows = [
        [f"T-{index:04}", fi(day), kind, str(people) if people else ""]
        for index, (day, kind, people) in enumerate(sorted(e for e in events if e[0] <= date(2024, 3, 27)), start=1)
    ]
    return ["activity_id", "held_on", "type", "participants"], rows


# --- inspections ---------------------------------------------------------------------------------------------------


def food_chain_operators() -> Table:
    """Inspections of food chain operators with their Oiva-like results A–D."""
    chance = Chance("food_chain_operators")
    sectors = ("alkutuotanto", "valmistus", "tarjoilu", "myymälä", "varastointi")
    # first day, last day, in scope, of them A or B, out of scope
    plan = (
        (date(2020, 2, 3), date(2020, 12, 18), 171, 157, 9),
        (date(2021, 1, 18), date(2021, 12, 17), 208, 189, 12),
        (date(2022, 1, 17), date(2022, 12, 16), 236, 217, 14),
        (date(2023, 1, 16), date(2023, 11, 29), 228, 208, 13),
        (date(2023, 12, 1), date(2023, 12, 20), 17, 16, 1),
        (date(2024, 1, 15), date(2024, 3, 27), 53, 49, 3),
    )
    rows: list[Row] = []
    for first, last, scope, good, outside in plan:
        grades = [
            *(f"{'A' if index % 3 else 'B'} kyllä" for index in range(good)),
            *(f"{'D' if index % 4 == 0 else 'C'} kyllä" for index in range(scope - good)),
            *(f"{'A' if index % 2 else 'C'} ei" for index in range(outside)),
        ]
        for day, grade in zip(chance.days(first, last, len(grades)), chance.mixed(grades), strict=True):
            result, inside = grade.split()
            rows.append(
                [
                    f"S-{len(rows) + 1:05}",
                    f"TOI-{chance.whole(100, 999)}",
                    fi(day),
                    result,
                    inside,
                    chance.one(sectors),
                    chance.one(MUNICIPALITIES),
                ]
            )
    rows.insert(702, ["S-90001", "TOI-417", "14.03.2023", "E", "kyllä", "tarjoilu", "Kuhmo"])
    rows.insert(811, ["S-90002", "TOI-288", "30.02.2023", "B", "kyllä", "myymälä", "Kajaani"])
    header = ["inspection_id", "operator_id", "inspected_on", "result", "in_scope", "sector", "municipality"]
    return header, rows


def agri_food_inspections() -> Table:
    """Make the yearly inspection plan of agriculture and food safety, one row per planned inspection."""
    chance = Chance("agri_food_inspections")
    programmes = ("peltotuet", "eläintuet", "ympäristösitoumukset", "elintarvikkeet", "rehut", "luomu", "siemenet")
    roles = ("maaseutuyksikkö", "valvontaryhmä 1", "valvontaryhmä 2", "ostettu palvelu")
    # planned, done by 30 November, done by the end of the year
    plan = {
        2020: (203, 188, 199),
        2021: (211, 202, 211),
        2022: (216, 205, 216),
        2023: (220, 207, 220),
        2024: (224, 61, 61),
    }
    rows: list[Row] = []
    for year, (planned, early, done) in plan.items():
        last = date(2024, 3, 26) if year == 2024 else date(year, 11, 29)
        days = [
            *chance.days(date(year, 1, 16), last, early),
            *chance.days(date(year, 12, 1), date(year, 12, 19), done - early),
        ]
        for index in range(planned):
            held = days[index] if index < done else None
            due = held or date(year, 10, 1)
            cancelled = date(year, 11, 12) if held is None and year == 2020 and index % 2 else None
            number_ = len(rows) + 1
            rows.append(
                [
                    f"MV-{number_:05}",
                    str(year),
                    chance.one(programmes),
                    fi(_working(due + timedelta(chance.whole(-9, 5)), date(year, 1, 1))),
                    fi(held) if held else "",
                    chance.one(roles) if held else "",
                    fi(_working(cancelled, cancelled)) if cancelled else "",
                ]
            )
    rows[488][5] = ""
    return ["inspection_id", "plan_year", "programme", "planned_on", "done_on", "inspector", "cancelled_on"], rows


def environmental_inspections() -> Table:
    """Make the yearly inspection programme under the Environmental Protection Act, one row per planned inspection."""
    chance = Chance("environmental_inspections")
    sites = (
        "kaivos",
        "turvetuotanto",
        "jätteenkäsittely",
        "eläinsuoja",
        "jätevedenpuhdistamo",
        "teollisuus",
        "kalankasvatus",
    )
    plan = {2020: (57, 50, 57), 2021: (58, 53, 58), 2022: (61, 57, 61), 2023: (60, 50, 58), 2024: (62, 12, 12)}
    rows: list[Row] = []
    for year, (planned, early, done) in plan.items():
        last = date(2024, 3, 26) if year == 2024 else date(year, 11, 29)
        days = [
            *chance.days(date(year, 2, 6), last, early),
            *chance.days(date(year, 12, 1), date(year, 12, 19), done - early),
        ]
        if year == 2023:
            days.append(date(2024, 1, 22))
        for index in range(planned):
            held = days[index] if index < len(days) else None
            planned_on = _working((held or date(year, 9, 1)) + timedelta(chance.whole(-12, 4)), date(year, 1, 1))
            rows.append(
                [
                    f"YV-{len(rows) + 1:04}",
                    str(year),
                    chance.one(sites),
                    chance.one(MUNICIPALITIES),
                    fi(min(planned_on, date(year, 12, 29))),
                    fi(held) if held else "",
                ]
            )
    return ["inspection_id", "plan_year", "site_type", "municipality", "planned_on", "done_on"], rows


# --- surveys -------------------------------------------------------------------------------------------------------


def stakeholder_survey() -> Table:
    """Make the yearly stakeholder survey, one row per respondent."""
    chance = Chance("stakeholder_survey")
    # answers of 5, 4, 3, 2 and 1
    yearly: dict[int, dict[str, tuple[int, int, int, int, int]]] = {
        2020: {
            "kunnat": (9, 14, 6, 1, 0),
            "yritykset": (10, 16, 9, 3, 0),
            "järjestöt": (8, 11, 5, 1, 0),
            "oppilaitokset": (3, 5, 2, 0, 0),
            "valtion virastot": (6, 9, 4, 0, 0),
            "maakunnan toimijat": (4, 7, 2, 0, 0),
        },
        2021: {
            "kunnat": (10, 13, 5, 1, 0),
            "yritykset": (12, 17, 8, 2, 1),
            "järjestöt": (9, 12, 4, 1, 0),
            "oppilaitokset": (3, 4, 1, 0, 0),
            "valtion virastot": (7, 10, 3, 0, 0),
            "maakunnan toimijat": (5, 7, 2, 0, 0),
        },
        2022: {
            "kunnat": (11, 14, 4, 1, 0),
            "yritykset": (12, 19, 7, 2, 0),
            "järjestöt": (10, 12, 5, 0, 0),
            "oppilaitokset": (2, 4, 1, 0, 0),
            "valtion virastot": (7, 11, 3, 0, 0),
            "maakunnan toimijat": (6, 6, 2, 0, 0),
        },
        2023: {
            "kunnat": (11, 15, 3, 1, 0),
            "yritykset": (12, 18, 8, 2, 0),
            "järjestöt": (9, 13, 6, 0, 0),
            "oppilaitokset": (1, 3, 0, 0, 0),
            "valtion virastot": (7, 12, 3, 0, 0),
            "maakunnan toimijat": (5, 7, 2, 0, 0),
        },
    }
    rows: list[Row] = []
    for year, groups in yearly.items():
        answers = chance.mixed(
            f"{group}|{5 - place}"
            for group, counts in groups.items()
            for place, count in enumerate(counts)
            for _ in range(count)
        )
        for day, answer in zip(chance.days(date(year, 9, 11), date(year, 10, 6), len(answers)), answers, strict=True):
            group, score = answer.split("|")
            published = fi(_working(date(year, 11, 6), date(year, 11, 1)))
            rows.append([f"SR-{year}-{len(rows) + 1:04}", str(year), fi(day), group, score, published])
    return ["response_id", "survey_year", "answered_on", "stakeholder_group", "score", "published_on"], rows


def customer_service_survey() -> Table:
    """Answers to the question that follows a service, delivered by quarter; the third quarter of 2023 came late."""
    chance = Chance("customer_service_survey")
    services = (
        "yritysrahoitus",
        "ympäristöluvat ja valvonta",
        "maataloustuet",
        "luonnonsuojelu",
        "vesihuolto",
        "neuvonta",
    )
    delivered = {(2023, 3): date(2023, 12, 14), (2023, 4): date(2024, 1, 18), (2024, 1): date(2024, 4, 12)}
    good = {2021: 33, 2022: 36, 2023: 41, 2024: 42}
    rows: list[Row] = []
    for year in range(2021, 2025):
        for quarter in range(1, 5 if year < 2024 else 2):
            first = date(year, 3 * quarter - 2, 1)
            following = date(year + quarter // 4, quarter % 4 * 3 + 1, 1)
            last = following - timedelta(1)
            on = delivered.get((year, quarter)) or _working(following + timedelta(12), following)
            span = (last - first).days
            days = sorted(first + timedelta(chance.whole(0, span)) for _ in range(chance.whole(104, 126)))
            for day in [*days, last]:
                score = (
                    "5"
                    if chance.happens(good[year])
                    else "4"
                    if chance.happens(70)
                    else chance.one(("3", "3", "3", "2", "1"))
                )
                rows.append([f"AP-{len(rows) + 1:05}", fi(day), chance.one(services), score, fi(on)])
    rows[955][3] = "7"
    rows[1012][3] = "hyvä"
    return ["response_id", "answered_on", "service", "score", "delivered_on"], rows


def job_satisfaction() -> Table:
    """Make the personnel barometer: one row per respondent with two indexes, in hundredths."""
    chance = Chance("job_satisfaction")
    units = (
        "johdon tuki",
        "yritykset ja työllisyys",
        "maaseutu ja energia",
        "luontoyksikkö",
        "ympäristönsuojelu",
        "vesistöyksikkö",
        "alueidenkäyttö",
        "patoturvallisuus",
    )
    middle = {2020: (366, 354), 2021: (361, 357), 2022: (358, 360), 2023: (364, 366)}
    rows: list[Row] = []
    for year, (satisfaction, leadership) in middle.items():
        for _ in range(chance.whole(104, 118)):
            rows.append(
                [
                    f"VMB-{year}-{len(rows) + 1:04}",
                    str(year),
                    chance.one(units),
                    number(min(satisfaction + chance.whole(-80, 80), 500), 2),
                    number(min(leadership + chance.whole(-90, 90), 500), 2),
                    fi(_working(date(year, 11, 15), date(year, 11, 1))),
                ]
            )
    return ["answer_id", "survey_year", "unit", "satisfaction_index", "leadership_index", "published_on"], rows


def digital_capability() -> Table:
    """Make the common assessment of digital capability by dimension, on the scale 1–5."""
    scores = {
        "johtaminen": (30, 33),
        "asiakaslähtöisyys": (31, 34),
        "palvelut": (29, 32),
        "tieto": (27, 30),
        "teknologia": (33, 35),
        "osaaminen": (28, 30),
        "kulttuuri": (30, 32),
        "kumppanuudet": (29, 30),
    }
    published = {2022: date(2022, 11, 25), 2023: date(2023, 11, 10)}
    rows = [
        [str(year), name, number(pair[year - 2022], 1), fi(published[year])]
        for year in (2022, 2023)
        for name, pair in scores.items()
    ]
    return ["assessment_year", "dimension", "score", "published_on"], rows


def security_audits() -> Table:
    """External information security audits by area: level on the scale 1–3, and nonconformities with ISO/IEC 27001."""
    rows = [
        ["2020", "ICT", "2,79", "2", fi(date(2020, 11, 20))],
        ["2020", "hallinto", "2,94", "1", fi(date(2020, 11, 20))],
        ["2020", "maksajavirasto", "2,90", "1", fi(date(2020, 12, 4))],
        ["2022", "ICT", "2,85", "1", fi(date(2022, 9, 30))],
        ["2022", "hallinto", "3,00", "0", fi(date(2022, 9, 30))],
        ["2022", "maksajavirasto", "2,95", "0", fi(date(2022, 10, 14))],
        ["2023", "ICT", "2,85", "1", fi(date(2023, 10, 27))],
        ["2023", "hallinto", "3,00", "0", fi(date(2023, 10, 27))],
        ["2023", "maksajavirasto", "2,95", "0", fi(date(2023, 10, 30))],
    ]
    return ["audit_year", "area", "level", "nonconformities", "published_on"], rows


# --- nature and waters ---------------------------------------------------------------------------------------------


def protected_areas() -> Table:
    """Areas protected, in hundredths of a hectare."""
    chance = Chance("protected_areas")
    # programme, first day, last day, areas, hundredths of a hectare in all
    plan = (
        ("METSO", date(2020, 2, 3), date(2020, 12, 18), 19, 24_310),
        ("soidensuojelu", date(2020, 3, 2), date(2020, 12, 11), 7, 9_870),
        ("METSO", date(2021, 2, 1), date(2021, 12, 17), 23, 30_145),
        ("soidensuojelu", date(2021, 3, 1), date(2021, 12, 10), 9, 14_220),
        ("METSO", date(2022, 2, 1), date(2022, 12, 16), 26, 35_590),
        ("soidensuojelu", date(2022, 3, 1), date(2022, 12, 9), 11, 18_405),
        ("METSO", date(2023, 1, 30), date(2023, 11, 29), 29, 37_240),
        ("soidensuojelu", date(2023, 2, 20), date(2023, 11, 24), 12, 25_115),
        ("METSO", date(2023, 12, 4), date(2023, 12, 19), 3, 4_025),
        ("soidensuojelu", date(2023, 12, 5), date(2023, 12, 18), 2, 3_615),
        ("METSO", date(2024, 1, 22), date(2024, 3, 22), 4, 3_165),
        ("soidensuojelu", date(2024, 2, 12), date(2024, 3, 15), 1, 890),
    )
    found: list[tuple[date, str, int]] = []
    for programme, first, last, count, total in plan:
        areas = _shares(chance, total, count)
        found += [(day, programme, area) for day, area in zip(chance.days(first, last, count), areas, strict=True)]
    rows = [
        [
            f"LS-{index:04}",
            fi(_working(day - timedelta(chance.whole(60, 300)), date(2019, 1, 1))),
            fi(day),
            programme,
            number(area, 2),
            chance.one(MUNICIPALITIES),
        ]
        for index, (day, programme, area) in enumerate(sorted(found), start=1)
    ]
    return ["area_id", "offered_on", "protected_on", "programme", "area_ha", "municipality"], rows


def nature_sites() -> Table:
    """Work done on nature sites: restoration, care, inventories, plans and delineations."""
    chance = Chance("nature_sites")
    helmi = ("lintukosteikko", "perinnebiotooppi", "suo", "uhanalaisten lajien elinympäristö")
    surveyed = ("perinnebiotooppi", "letto", "vesi- ja rantaluonto")
    species = ("direktiivilajin esiintymä", "jokihelmisimpukkaesiintymä", "lintuvesi")
    protected = ("erityisesti suojeltavan lajin esiintymä",)
    # action, kinds of site, prefix; then year, by 30 November, in December
    plan = (
        (("kunnostus", "hoito"), helmi, "H", ((2021, 9, 0), (2022, 14, 0), (2023, 19, 0))),
        (("inventointi", "hoitosuunnittelu"), surveyed, "I", ((2021, 61, 0), (2022, 78, 0), (2023, 94, 2))),
        (("laji-inventointi",), species, "L", ((2021, 33, 0), (2022, 41, 0), (2023, 43, 3))),
        (("esiintymärajaus",), protected, "R", ((2021, 1, 0), (2022, 2, 0), (2023, 2, 0))),
        (("lajihoito",), protected, "R", ((2021, 1, 0), (2022, 1, 0), (2023, 1, 0))),
    )
    work: list[tuple[date, str, str, str]] = []
    for actions, kinds, prefix, years in plan:
        for year, early, late in years:
            days = [
                *chance.days(date(year, 4, 24), date(year, 11, 24), early),
                *chance.days(date(year, 12, 4), date(year, 12, 15), late),
            ]
            for index, day in enumerate(days, start=1):
                site = f"{prefix}-{(year - 2021) * 40 + index:03}"
                work.append((day, site, chance.one(kinds), chance.one(actions)))
                if chance.happens(18) and day < date(year, 10, 1):
                    work.append((_working(day + timedelta(chance.whole(10, 40)), day), site, work[-1][2], work[-1][3]))
    work += [
        (day, f"H-{index:03}", "lintukosteikko", "kunnostus")
        for index, day in enumerate(chance.days(date(2024, 1, 15), date(2024, 3, 20), 3), start=150)
    ]
    rows = [[f"K-{index:04}", *item[1:], fi(item[0])] for index, item in enumerate(sorted(work), start=1)]
    return ["action_id", "site_id", "site_type", "action", "done_on"], rows


def water_bodies() -> Table:
    """Lakes and rivers in the classification of each year: ecological state, restoration study and measures."""
    chance = Chance("water_bodies")
    worse = {2022: 35, 2023: 35}
    studies = {2022: 12, 2023: 13}
    measures = {2022: 5, 2023: 6}
    study_days = [*chance.days(date(2018, 5, 2), date(2022, 10, 20), 12), date(2023, 9, 13)]
    measure_days = [*chance.days(date(2019, 6, 3), date(2022, 9, 30), 5), date(2023, 8, 25)]
    rows: list[Row] = []
    for year in (2022, 2023):
        for index in range(88):
            state = (
                "tyydyttävä"
                if index < 27
                else "välttävä"
                if index < worse[year]
                else "hyvä"
                if index < 70
                else "erinomainen"
            )
            rows.append(
                [
                    str(year),
                    f"V-{index + 1:03}",
                    "joki" if index % 3 == 0 else "järvi",
                    MUNICIPALITIES[index % 8],
                    state,
                    fi(study_days[index]) if index < studies[year] else "",
                    fi(measure_days[index]) if index < measures[year] else "",
                ]
            )
    header = ["status_year", "water_id", "type", "municipality", "ecological_state", "study_on", "measures_on"]
    return header, rows


def groundwater_bodies() -> Table:
    """Groundwater bodies by year: chemical and quantitative state, and whether the body is at risk."""
    rows: list[Row] = []
    for year in (2022, 2023):
        for index in range(74):
            known = not (index == 51 and year == 2023)
            rows.append(
                [
                    str(year),
                    f"PV-{index + 1:03}",
                    MUNICIPALITIES[index * 5 % 8],
                    "hyvä" if known else "ei tietoa",
                    "hyvä",
                    yes(index % 19 == 3),
                ]
            )
    return ["status_year", "body_id", "municipality", "chemical_state", "quantitative_state", "at_risk"], rows


def water_projects() -> Table:
    """Water projects: carried out and planned restorations."""
    rows = [
        ["VP-01", "toteutus", "04.05.2020", "29.10.2021", "Kajaani", "48 500"],
        ["VP-02", "suunnittelu", "11.01.2021", "17.12.2021", "Kuhmo", "14 000"],
        ["VP-03", "toteutus", "17.05.2021", "30.11.2023", "Sotkamo", "96 000"],
        ["VP-04", "toteutus", "07.06.2021", "30.09.2022", "Paltamo", "31 200"],
        ["VP-05", "toteutus", "02.05.2022", "31.10.2024", "Suomussalmi", "120 400"],
        ["VP-06", "suunnittelu", "23.05.2022", "16.12.2022", "Ristijärvi", "18 900"],
        ["VP-07", "toteutus", "15.08.2022", "30.06.2024", "Kuhmo", "74 300"],
        ["VP-08", "suunnittelu", "24.04.2023", "", "Sotkamo", "22 000"],
        ["VP-09", "toteutus", "12.06.2023", "", "Hyrynsalmi", "57 800"],
        ["VP-10", "suunnittelu", "11.12.2023", "", "Kajaani", "19 500"],
        ["VP-11", "suunnittelu", "05.02.2024", "", "Puolanka", "16 200"],
    ]
    return ["project_id", "kind", "started_on", "ended_on", "municipality", "cost_eur"], rows


# --- what people report --------------------------------------------------------------------------------------------

NARRATIVES = {
    "rdi-actions": "yritykset ja työllisyys",
    "team-finland-actions": "yritykset ja työllisyys",
    "creative-economy-actions": "yritykset ja työllisyys",
    "skills-actions": "yritykset ja työllisyys",
    "lifelong-guidance-actions": "yritykset ja työllisyys",
    "international-talent-actions": "yritykset ja työllisyys",
    "low-carbon-actions": "ilmastotiimi",
    "waste-recycling-actions": "ympäristönsuojelu",
    "habitats-and-species-actions": "luontoyksikkö",
    "good-state-of-waters-actions": "vesistöyksikkö",
    "water-restoration-actions": "vesistöyksikkö",
    "regional-development-actions": "johdon tuki",
    "land-use-actions": "alueidenkäyttö",
    "innovative-procurement-actions": "johdon tuki",
    "information-security-actions": "johdon tuki",
}


def narratives() -> Table:
    """Make the reports on the verbal indicators; of 2023 one is missing and one names no source."""
    chance = Chance("narratives")
    begin = (
        "Toimet etenivät suunnitelman mukaan",
        "Painopisteet toteutuivat pääosin",
        "Tavoite edistyi yhteistyössä kumppanien kanssa",
    )
    middle = (
        "asiakkailta saatu palaute oli myönteistä",
        "resurssit suunnattiin uudelleen syksyllä",
        "uusia avauksia tehtiin kolme",
    )
    rows: list[Row] = []
    for year in range(2020, 2024):
        for key, author in NARRATIVES.items():
            if year == 2023 and key == "innovative-procurement-actions":
                continue
            dated = _working(date(year + 1, 1, 22) + timedelta(chance.whole(0, 30)), date(year + 1, 1, 1))
            source = (
                ""
                if year == 2023 and key == "regional-development-actions"
                else f"KAIELY/{chance.whole(20, 900)}/{year + 1}"
            )
            text = f"{chance.one(begin)}; {chance.one(middle)}."
            rows.append([key, str(year), author, fi(dated), text, source])
    return ["narrative", "period", "author", "dated", "text", "reference"], rows


def milestones() -> Table:
    """Tell what was done and when; what is not done has no row."""
    done = {
        "invasive-species-coordination": date(2020, 5, 1),
        "digital-contact-network": date(2022, 3, 8),
        "digital-assessment-2022": date(2022, 11, 25),
        "kaipo-network": date(2023, 1, 16),
        "virtual-recruitment-fair": date(2023, 2, 14),
        "life-revives": date(2023, 3, 15),
        "trial-made-permanent": date(2023, 4, 18),
        "helmi-metso-group": date(2023, 5, 24),
        "dam-safety-seminar": date(2023, 9, 14),
        "vuokatti-small-waters": date(2023, 9, 29),
        "saimaa-flood-2023": date(2023, 10, 5),
        "caf-assessment": date(2023, 10, 12),
        "kalajoki-safety-plan": date(2023, 10, 27),
        "natura-ninth-round": date(2023, 11, 8),
        "sumsajarvi-plan": date(2023, 11, 15),
        "elo-strategy-update": date(2023, 11, 21),
        "arvovesi-completed": date(2023, 11, 30),
        "mutoudenlampi-planning": date(2023, 12, 5),
        "waste-group-permanent": date(2023, 12, 12),
        "design-flood-report": date(2023, 12, 19),
        "helmi-area-proposal": date(2024, 1, 19),
        "annual-report-2023": date(2024, 2, 27),
    }
    rows = [[key, fi(day), f"KAIELY/{300 + 7 * index}/{day.year}"] for index, (key, day) in enumerate(done.items())]
    return ["milestone", "done_on", "reference"], rows


# --- files ---------------------------------------------------------------------------------------------------------

REGISTERS: tuple[tuple[Callable[[], Table], str], ...] = (
    (activities, "Lähetykset, uutiskirjeet, raportit ja tilaisuudet"),
    (agri_food_inspections, "Maatalouden ja elintarviketurvallisuuden valvontasuunnitelma"),
    (company_meetings, "Yritystapaamiset"),
    (crm_leads, "Kasvu CRM -järjestelmän liidit"),
    (customer_service_survey, "Asiakaspalvelukysely"),
    (digital_capability, "Digikyvykkyyden arviointi"),
    (employment_rate, "Työllisyysaste"),
    (environmental_inspections, "Ympäristönsuojelulain mukainen valvontaohjelma"),
    (eures_services, "EURES-palvelut"),
    (food_chain_operators, "Elintarvikeketjun toimijoiden tarkastukset"),
    (funded_projects, "Rahoituspäätökset"),
    (grant_authority, "Myöntövaltuudet ja niiden käyttö"),
    (greenhouse_gases, "Kasvihuonekaasujen päästöt ja poistumat"),
    (groundwater_bodies, "Pohjavesimuodostumat"),
    (job_satisfaction, "Henkilöstöbarometri"),
    (milestones, "Määräpäivät"),
    (narratives, "Sanalliset mittarit"),
    (nature_sites, "Luontokohteiden toimet"),
    (protected_areas, "Toteutetut luonnonsuojelualueet"),
    (rd_expenditure, "Tutkimus- ja kehittämismenot"),
    (road_indicators, "Maanteiden mittarit"),
    (security_audits, "Tietoturva-auditoinnit"),
    (stakeholder_survey, "Sidosryhmäkysely"),
    (unemployment_statistics, "Työttömyysjaksot"),
    (urban_structure, "Taajamarakenne"),
    (water_bodies, "Pintavesien tila"),
    (water_projects, "Vesistöhankkeet"),
)


def written(table: Table, title: str) -> str:
    """Write a table as the file holds it."""
    header, rows = table
    out = io.StringIO()
    out.write(f"{MARK} – {title}\n")
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or compare them with what would be written."""
    parser = argparse.ArgumentParser(description="Write the synthetic registers of this folder.")
    parser.add_argument("--compare", action="store_true", help="write nothing; exit 1 if a file on disk differs")
    options = parser.parse_args(arguments)
    different = []
    for register, title in REGISTERS:
        path = HERE / f"{register.__name__}.csv"
        content = written(register(), title).encode()
        if not options.compare:
            path.write_bytes(content)
        elif not path.is_file() or path.read_bytes() != content:
            different.append(path.name)
    for name in different:
        print(f"{name} differs from what this script writes", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
