"""Renders the chart with each set of values on standard input, a JSON object of texts by name, and writes a JSON object of what
came of each: `text` (every manifest, as Helm would print it), `objects` (the same, read), `notes`, and, with `--validate`,
`invalid`: what Kubernetes' own schemas say against the built-in objects; or `error`.

Values are read as Helm reads them, whose YAML is not Python's.
"""

import json
import sys

import helm_python
import yaml

# The oldest that Chart.yaml admits, and the newest that there are schemas of.
VERSIONS = ["1.30", "1.37"]


def invalid(document):
    import kubernetes_validate  # only now: it takes a second

    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as problem:
            found.append(f"{document['kind']} ({version}): {problem.message}")
        except kubernetes_validate.SchemaNotFoundError:
            pass  # a custom resource
    return found


# A pod of the application that a sidecar is put into.
def patched(objects):
    for each in objects:
        text = each.get("data", {}).get("sidecar-patch.yaml")
        if text:
            patch = yaml.safe_load(text)
            pod = patch["spec"]["template"]["spec"]
            # They are about what is not there yet.
            for part in ["initContainers", "volumes"]:
                pod[part] = [each for each in pod[part] if "$patch" not in each]
            labels = patch["spec"]["template"]["metadata"]["labels"]
            patch["spec"]["selector"] = {"matchLabels": labels}
            hardened = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
            mount = {"name": "countersign-socket", "mountPath": "/run/countersign"}
            pod["containers"] = [{"name": "application", "image": "application", "securityContext": hardened, "volumeMounts": [mount]}]
            yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "application"}, **patch}


def render(chart, text):
    try:
        manifests = chart.render(helm_python.values_from_yaml(text), name="cs", namespace="tokens")
    except helm_python.HelmError as problem:
        return {"error": str(problem)}
    notes = next(manifests.pop(name) for name in list(manifests) if name.endswith("/NOTES.txt"))
    text = "".join(f"---\n# {name}\n{content.strip()}\n" for name, content in sorted(manifests.items()) if content.strip())
    objects = [each for each in yaml.safe_load_all(text) if each]
    objects += patched(objects)
    return {"text": text, "objects": objects, "notes": notes, "invalid": [problem for each in objects for problem in invalid(each)] if "--validate" in sys.argv else []}


with helm_python.Chart.load(sys.argv[1]) as chart:
    json.dump({name: render(chart, text) for name, text in json.load(sys.stdin).items()}, sys.stdout)
