"""Plans the runs of scripts/contract: which operations each role tries, and which values that are really there go among the made-up ones.

usage: plan.py DESCRIPTION ANSWERS OUT CASES ROLE..
ANSWERS is a folder with answers (JSON) of the running gateway. OUT gets values.toml, and a line `ROLE EXAMPLES kind OPERATION..` for each run on
standard output: kind is `may` for what the role may do, `not` for what it may not.
"""
import json
import pathlib
import sys

# A parameter whose values are found under another name in answers.
ALSO = {"after": ["next"], "name": ["uri"], "account": ["number"], "leave_out": ["row"]}
MANY = 200


def values_of(node, found):
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and value.strip() and len(value) <= 200:
                found.setdefault(key, set()).add(value)
            values_of(value, found)
    elif isinstance(node, list):
        for item in node:
            values_of(item, found)


def operations(description):
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def resolve(schema, description):
    reference = schema.get("$ref")
    return description["components"]["schemas"][reference.rsplit("/", 1)[1]] if reference else schema


def fields(schema, description, prefix, depth=0):
    schema = resolve(schema, description)
    if schema.get("type") == "array" and depth < 4:
        yield from fields(schema["items"], description, f"{prefix}[*]" if prefix else "[*]", depth + 1)
    for name, part in schema.get("properties", {}).items():
        where = f"{prefix}.{name}" if prefix else name
        part = resolve(part, description)
        kinds = part.get("type", [])
        if "string" in ([kinds] if isinstance(kinds, str) else kinds) and "enum" not in part:
            yield where, name
        if depth < 4:
            yield from fields(part, description, where, depth + 1)


def bindings(description):
    """Every place for a text in a request, and the name of its field."""
    for _, _, operation in operations(description):
        for parameter in operation.get("parameters", []):
            if parameter["in"] in ("path", "query"):
                yield f"{parameter['in']}.{parameter['name']}", parameter["name"]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body and body.get("schema"):
            for where, name in fields(body["schema"], description, ""):
                yield f"body.{where}", name


def write_values(description, answers, out):
    found = {}
    for answer in sorted(answers.iterdir()):
        try:
            values_of(json.loads(answer.read_text(encoding="utf-8")), found)
        except (json.JSONDecodeError, UnicodeDecodeError):
            continue
    used, lines = {}, []
    for where, name in sorted(set(bindings(description))):
        names = [name, *ALSO.get(name, [])]
        values = sorted(set().union(*(found.get(one, set()) for one in names)))[:MANY]
        if values:
            used[name] = values
            lines.append(f"{json.dumps(where)} = {{ dictionary = {json.dumps(name)}, probability = 0.5 }}")
    text = "".join(
        f"[dictionaries.{name}]\nvalues = {json.dumps(values, ensure_ascii=False)}\n" for name, values in used.items()
    )
    out.write_text(text + "[parameters]\n" + "\n".join(lines) + "\n", encoding="utf-8")


def main():
    description, answers, out, cases, *roles = sys.argv[1:]
    description = json.loads(pathlib.Path(description).read_text(encoding="utf-8"))
    write_values(description, pathlib.Path(answers), pathlib.Path(out))
    every = [(operation["operationId"], operation["x-roles"]) for _, _, operation in operations(description)]
    may = {role: [name for name, roles in every if role in roles] for role in roles}
    each = max(1, int(cases) // sum(len(names) for names in may.values()))
    for role in roles:
        print(role, each, "may", *may[role])
        print(role, 1, "not", *(name for name, roles in every if role not in roles))


main()
