"""Puts the configuration's JSON Schema into the chart's values.schema.json, as what `config` may be."""

import json
import pathlib

here = pathlib.Path(__file__).resolve().parent
chart = here / "countersign" / "values.schema.json"
values = json.loads(chart.read_text())
config = json.loads((here.parent / "docs" / "countersign.schema.json").read_text())
# The chart's own schema says which draft it is. That there is an issuer is said by the templates, in a sentence; the defaults
# have none.
for key in ("$schema", "required"):
    del config[key]
del config["properties"]["issuers"]["minItems"]
values["$defs"]["config"] = config
chart.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n")
