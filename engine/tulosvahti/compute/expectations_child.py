"""The child process of expectations: the only module that imports Great Expectations.

``python -m tulosvahti.compute.expectations_child JOBFILE`` judges every job in one checkpoint, writes Data Docs where
asked, and leaves the results as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"

EXAMPLES = 10


def main(jobfile: Path) -> None:
    """Judge the jobs of a file."""
    order = json.loads(jobfile.read_text(encoding="utf-8"))
    results = _judged(order)
    target = Path(order["results"])
    part = target.with_suffix(".part")
    part.write_text(json.dumps(results, ensure_ascii=False), encoding="utf-8")
    part.replace(target)


def _judged(order: dict[str, Any]) -> dict[str, dict[str, Any]]:
    import great_expectations as gx  # noqa: PLC0415 - seconds of import, only in this process
    import pandas as pd  # noqa: PLC0415
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    _place_docs(context, order["docs"])
    source: Any = context.data_sources.add_pandas("inputs")
    results: dict[str, dict[str, Any]] = {}
    definitions = []
    frames: dict[str, Any] = {}
    for name, path in order["inputs"].items():
        frame = frames[name] = pd.read_parquet(path)
        suite = gx.ExpectationSuite(name)
        mine = [job for job in order["jobs"] if job["input"] == name]
        for job, made in [(job, _expectation(job, frame)) for job in mine]:
            if isinstance(made, str):
                results[job["rule"]] = _outcome(job, "not_computed", made)
            else:
                suite.add_expectation(made)
        if suite.expectations:
            batch = source.add_parquet_asset(name, path=path).add_batch_definition(name)
            added = context.suites.add(suite)
            definition = gx.ValidationDefinition(name=name, data=batch, suite=added)
            definitions.append(context.validation_definitions.add(definition))
    if definitions:
        form: Any = {"result_format": "COMPLETE", "partial_unexpected_count": EXAMPLES}
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(name="expectations", validation_definitions=definitions, result_format=form)
        )
        jobs = {job["rule"]: job for job in order["jobs"]}
        ran: Any = checkpoint.run()
        for validated in ran.run_results.values():
            for result in validated.results:
                job = jobs[result.expectation_config.meta["rule"]]
                results[job["rule"]] = _read(job, result, frames[job["input"]])
        if order["docs"]:
            context.build_data_docs()
    return results


def _place_docs(context: Any, folder: str) -> None:  # noqa: ANN401 - GX's own type
    """Let Data Docs go to the folder only."""
    for site in list(context.get_site_names()):
        context.delete_data_docs_site(site)
    if folder:
        context.add_data_docs_site("tulosvahti", _site(folder))


def _site(folder: str) -> Any:  # noqa: ANN401 - GX's own configuration
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": folder},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _expectation(job: dict[str, Any], frame: Any) -> Any:  # noqa: ANN401
    """Make the expectation, or give the sentence that says why it cannot be made."""
    from great_expectations.expectations import registry  # noqa: PLC0415

    known = registry.list_registered_expectation_implementations()
    if job["type"] not in known:
        near = get_close_matches(job["type"], known, n=3, cutoff=0.4) or sorted(known)[:3]
        return f"Great Expectations has no expectation {job['type']!r}; allowed: {', '.join(near)}"
    absent = [name for name in job["columns"] if name not in frame.columns]
    if absent:
        return f"input {job['input']!r} has no column {absent[0]!r}; allowed: {', '.join(frame.columns)}"
    try:
        maker = registry.get_expectation_impl(job["type"])
        return maker(**_dated(job["kwargs"]), meta={"rule": job["rule"]})
    except Exception as error:  # noqa: BLE001 - whatever GX raises, the rule is unknown with a sentence
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return f"arguments do not fit {job['type']}: {'; '.join(lines[:4])}"


def _dated(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        if set(value) == {"$date"}:
            return datetime.fromisoformat(value["$date"])
        return {key: _dated(item) for key, item in value.items()}
    return [_dated(item) for item in value] if isinstance(value, list) else value


def _read(job: dict[str, Any], result: Any, frame: Any) -> dict[str, Any]:  # noqa: ANN401
    """Read one result; what evaluated no element is unknown, whatever GX says."""
    raised = _raised(result.exception_info)
    if raised:
        return _outcome(job, "not_computed", f"Great Expectations could not judge it: {raised}")
    found = result.result or {}
    evaluated = _evaluated(job, found, frame)
    if evaluated <= 0:
        return _outcome(job, "no_element", "no row has a value to judge")
    unexpected = int(found.get("unexpected_count") or 0)
    values = list(found.get("partial_unexpected_list") or [])[:EXAMPLES]
    detail = ""
    if "unexpected_count" in found:
        detail = f"{unexpected} of {evaluated} values are unexpected"
    elif "observed_value" in found:
        detail = f"observed {found['observed_value']}"
    outcome = _outcome(job, "", detail)
    return outcome | {
        "success": bool(result.success),
        "evaluated": evaluated,
        "unexpected": unexpected,
        "examples": [str(value) for value in values],
    }


def _evaluated(job: dict[str, Any], found: dict[str, Any], frame: Any) -> int:  # noqa: ANN401
    if "element_count" in found:
        return int(found["element_count"]) - int(found.get("missing_count") or 0)
    if not len(frame) or not job["columns"]:
        return len(frame)
    return int(frame[job["columns"]].notna().all(axis=1).sum())


def _raised(info: Any) -> str:  # noqa: ANN401
    if not info:
        return ""
    if "raised_exception" in info:
        info = {"": info}
    for item in info.values():
        if isinstance(item, dict) and item.get("raised_exception"):
            return str(item.get("exception_message") or "an exception").strip().splitlines()[0]
    return ""


def _outcome(job: dict[str, Any], reason: str, detail: str) -> dict[str, Any]:
    return {
        "rule": job["rule"],
        "success": None,
        "evaluated": 0,
        "unexpected": 0,
        "reason": reason,
        "detail": detail,
        "examples": [],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
