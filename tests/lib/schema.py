"""As much of JSON Schema as docs/json.schema.json uses."""

import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool,
         "null": type(None)}


def _is(value, name):
    if name in ("integer", "number"):
        return not isinstance(value, bool) and isinstance(
            value, int if name == "integer" else (int, float))
    return isinstance(value, TYPES[name])


def keys_of(value, at):
    found = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= {f"{at}.{key}"} | keys_of(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for one in value:
            found |= keys_of(one, at + "[]")
    return found


class Schema:
    KEYS = {"$ref", "anyOf", "allOf", "type", "enum", "pattern", "minimum",
            "maximum", "required", "properties", "items"}

    def __init__(self, document):
        self.defs = document["$defs"]

    def unknown(self, value, rule, at="$"):
        """The keys in VALUE that RULE does not name, a line each."""
        return [f"{key} is not in the schema"
                for key in sorted(keys_of(value, at)
                                  - self._named(rule, at))]

    def _named(self, rule, at):
        """The keys that RULE names somewhere, with where they are."""
        found = set()
        if "$ref" in rule:
            found |= self._named(
                self.defs[rule["$ref"].removeprefix("#/$defs/")], at)
        for inner in rule.get("anyOf", []) + rule.get("allOf", []):
            found |= self._named(inner, at)
        for key, inner in rule.get("properties", {}).items():
            found |= {f"{at}.{key}"} | self._named(inner, f"{at}.{key}")
        if "items" in rule:
            found |= self._named(rule["items"], at + "[]")
        return found

    def faults(self, value, rule, at="$"):
        """What is wrong with VALUE, a line each."""
        unknown = set(rule) - self.KEYS
        if unknown:
            raise AssertionError(f"the schema uses {unknown}")
        if "$ref" in rule:
            return self.faults(
                value, self.defs[rule["$ref"].removeprefix("#/$defs/")], at)
        if "anyOf" in rule:
            each = [self.faults(value, r, at) for r in rule["anyOf"]]
            return [] if [] in each else min(each, key=len)
        if "allOf" in rule:
            return [f for r in rule["allOf"] for f in
                    self.faults(value, r, at)]
        return self._plain(value, rule, at)

    def _plain(self, value, rule, at):
        names = rule.get("type", [])
        names = [names] if isinstance(names, str) else names
        if names and not any(_is(value, n) for n in names):
            return [f"{at}: {value!r} is no {' or '.join(names)}"]
        if "enum" in rule and value not in rule["enum"]:
            return [f"{at}: {value!r} is none of {rule['enum']}"]
        if "pattern" in rule and not re.search(rule["pattern"], value):
            return [f"{at}: {value!r} does not fit {rule['pattern']}"]
        if isinstance(value, (int, float)) and not (
                rule.get("minimum", value) <= value
                <= rule.get("maximum", value)):
            return [f"{at}: {value} is out of range"]
        found = [f"{at}: {k} is missing"
                 for k in rule.get("required", []) if k not in value]
        for key, inner in rule.get("properties", {}).items():
            if key in value:
                found += self.faults(value[key], inner, f"{at}.{key}")
        if "items" in rule:
            for i, one in enumerate(value):
                found += self.faults(one, rule["items"], f"{at}[{i}]")
        return found
