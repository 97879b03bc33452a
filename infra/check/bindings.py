"""Reads the schema of the AWS provider from the bindings of CDK Terrain (the package `cdktn-provider-aws`).

The bindings are generated from the schema of the real provider: for every attribute they state the type, and whether it is
optional, required or computed. `read` returns what `terraform providers schema -json` would print, as far as Terraform itself
needs it. Three resource types cannot be read (`UNREADABLE`); a configuration that uses one is refused as unknown.
"""

import io
import re
import tarfile
from pathlib import Path

ADDRESS = "registry.terraform.io/hashicorp/aws"

UNREADABLE = {"aws_cloudwatch_log_transformer", "aws_appmesh_virtual_node", "aws_quicksight_data_set"}

# Bindings of recursive blocks are generated to this depth; no configuration nests them deeper.
DEEPEST_RECURSION = 3

CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+) \{$(.*?)^\}$", re.M | re.S)
HCL_FUNCTION = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{$(.*?)^\}$", re.M | re.S)
HCL_ATTRIBUTE = re.compile(
    r"^ {8,12}(\w+): \{\n\s+value: (.*),\n\s+isBlock: (\w+),\n\s+type: \"(\w+)\",\n\s+storageClassType: \"(\w+)\",", re.M
)
PROPERTY = re.compile(r"^    // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)$", re.M)
REFERENCE = re.compile(r"^    _\w+ = new (?:\w+\.)?(\w+)\(this, \"(\w+)\"(?:, (\w+))?\);", re.M)
RESOURCE_TYPE = re.compile(r'static tfResourceType = "(\w+)";')

# The getter of a property tells its type. The first pattern that matches decides.
GETTERS = [
    (re.compile(r"cdktn\.Token\.asNumberList\(cdktn\.Fn\.tolist\("), ["set", "number"]),
    (re.compile(r"cdktn\.Fn\.tolist\(this\.getListAttribute"), ["set", "string"]),
    (re.compile(r"this\.getNumberListAttribute"), ["list", "number"]),
    (re.compile(r"this\.getListAttribute"), ["list", "string"]),
    (re.compile(r"this\.getStringAttribute"), "string"),
    (re.compile(r"this\.getNumberAttribute"), "number"),
    (re.compile(r"this\.getBooleanAttribute"), "bool"),
    (re.compile(r"this\.getStringMapAttribute"), ["map", "string"]),
    (re.compile(r"this\.getNumberMapAttribute"), ["map", "number"]),
    (re.compile(r"this\.getBooleanMapAttribute"), ["map", "bool"]),
]
NESTED_STORAGE = {
    "stringMapMap": ["map", ["map", "string"]],
    "stringListList": ["list", ["list", "string"]],
    "stringListMap": ["map", ["list", "string"]],
    "stringMapList": ["list", ["map", "string"]],
}
SCALAR_MAPS = {"StringMap", "NumberMap", "BooleanMap", "AnyMap", "StringMapList"}
SCALARS = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
KINDS = {
    "TerraformResource": "resource_schemas",
    "TerraformDataSource": "data_source_schemas",
    "TerraformEphemeralResource": "ephemeral_resource_schemas",
}


class UnknownReference(Exception):
    """A property whose class follows none of the known naming rules."""


def read(package: Path) -> dict:
    """Returns the schema from the installed package `cdktn_provider_aws`."""
    (archive,) = (package / "_jsii").glob("*.jsii.tgz")
    schema = {"provider": None, **{kind: {} for kind in KINDS.values()}}
    unreadable = set()
    for text in modules(archive):
        module = Module(text)
        for name, (base, body) in module.classes.items():
            resource_type = RESOURCE_TYPE.search(body)
            if resource_type is None:
                continue
            hcl = hcl_attributes(body[body.find("synthesizeHclAttributes") :])
            try:
                if base == "TerraformProvider":
                    schema["provider"] = {"version": 0, "block": module.provider_block(hcl)}
                else:
                    schema[KINDS[base]][resource_type[1]] = {"version": 0, "block": module.block(name, hcl)}
            except (KeyError, UnknownReference):
                unreadable.add(resource_type[1])
    if unreadable != UNREADABLE:
        raise SystemExit(f"The bindings have changed: {sorted(unreadable)} cannot be read, and not {sorted(UNREADABLE)}.")
    write_out_statements(schema["resource_schemas"])
    return schema


def modules(archive: Path) -> list[str]:
    """Returns the generated JavaScript, one text per resource."""
    texts: dict[str, list[str]] = {}
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as files:
        for file in files:
            path = re.fullmatch(r"package/lib/([^/]+)/.*\.js", file.name)
            if path:
                text = files.extractfile(file).read().decode()
                texts.setdefault(path[1], []).append(re.sub(r"^//# sourceMappingURL.*$", "", text, flags=re.M))
    return ["\n".join(texts[folder]) for folder in sorted(texts)]


def write_out_statements(resources: dict) -> None:
    """Takes the statement of a web ACL's rule from the resource of a single rule; the bindings of the ACL leave it open."""
    statement = resources["aws_wafv2_web_acl_rule"]["block"]["block_types"]["statement"]
    for owner in ("aws_wafv2_web_acl", "aws_wafv2_rule_group"):
        rule = resources[owner]["block"]["block_types"]["rule"]["block"]
        rule["attributes"].pop("statement", None)
        rule["block_types"]["statement"] = dict(statement, min_items=1, max_items=1)


def hcl_attributes(body: str) -> dict:
    """Returns the attributes of a class or structure as its conversion to HCL lists them."""
    return {
        name: {"value": value, "block": block == "true", "kind": kind, "storage": storage}
        for name, value, block, kind, storage in HCL_ATTRIBUTE.findall(body)
    }


class Module:
    """The bindings of one resource, data source or provider."""

    def __init__(self, text: str):
        self.classes = {name: (base, body) for name, base, body in CLASS.findall(text)}
        self.structures = {
            name[0].upper() + name[1:]: hcl_attributes(body) for name, body in HCL_FUNCTION.findall(text)
        }

    def block(self, name: str, hcl: dict, within: tuple = ()) -> dict:
        """Returns the schema of the block that a class stands for."""
        if within.count(name) >= DEEPEST_RECURSION:
            return {}
        within += (name,)
        _, body = self.classes[name]
        attributes, block_types = {}, {}
        properties = list(PROPERTY.finditer(body))
        for found, following in zip(properties, properties[1:] + [None]):
            text = body[found.end() : following.start() if following else len(body)]
            attribute = found[1]
            flags = {flag: True for flag, value in zip(("computed", "optional", "required"), found.groups()[1:]) if value == "true"}
            reference = REFERENCE.search(text)
            if reference and reference[1] not in SCALAR_MAPS:
                self.nested(attribute, flags, reference, hcl.get(attribute), within, attributes, block_types)
            else:
                attributes[attribute] = dict(flags, type=scalar_type(text, reference, hcl.get(attribute)))
        return {key: value for key, value in (("attributes", attributes), ("block_types", block_types)) if value}

    def nested(self, name, flags, reference, hcl, within, attributes, block_types) -> None:
        """Adds a structure, which is either a nested block or an attribute with an object type."""
        structure, single = referenced_structure(reference[1])
        inner = self.block(structure + "OutputReference", self.structures.get(structure, {}), within)
        mode = "set" if reference[3] == "true" else "list"
        if hcl:
            mode = {"struct": "single"}.get(hcl["kind"], hcl["kind"])
        is_attribute = hcl is None or ", false)(" in hcl["value"]
        if is_attribute or mode == "map":
            kind = object_type(inner)
            attributes[name] = dict(flags, type=kind if mode == "single" else [mode, kind])
            return
        nested = {"nesting_mode": mode, "block": inner}
        if mode != "single":
            if "required" in flags:
                nested["min_items"] = 1
            if single:
                nested["max_items"] = 1
        block_types[name] = nested

    def provider_block(self, hcl: dict) -> dict:
        """Returns the schema of the provider's own settings, all of which are optional."""
        attributes, block_types = {}, {}
        for name, attribute in hcl.items():
            kind, storage = attribute["kind"], attribute["storage"]
            if attribute["block"]:
                structure = self.structures[re.sub(r"(List|Map)$", "", storage)]
                mode = "single" if kind == "struct" else kind
                block_types[name] = {"nesting_mode": mode, "block": self.provider_block(structure)}
                continue
            scalar = re.match(r"(string|number|boolean)(List|Map)?$", storage)
            element = SCALARS[scalar[1]] if scalar else "dynamic"
            attributes[name] = {"optional": True, "type": [kind, element] if kind in ("list", "set", "map") else element}
        return {"attributes": attributes, "block_types": block_types}


def referenced_structure(reference: str) -> tuple[str, bool]:
    """Returns the structure that a class refers to, and whether there is at most one of it."""
    for suffix, single in (("OutputReference", True), ("MapList", False), ("List", False), ("Map", False)):
        if reference.endswith(suffix):
            return reference.removesuffix(suffix), single
    raise UnknownReference(reference)


def scalar_type(text: str, reference, hcl: dict | None):
    """Returns the type of an attribute without structure."""
    if hcl and hcl["storage"] in NESTED_STORAGE:
        return NESTED_STORAGE[hcl["storage"]]
    kind = next((kind for pattern, kind in GETTERS if pattern.search(text)), None)
    if kind is None:
        return ["map", "string"] if reference else "dynamic"
    return kind


def object_type(block: dict) -> list:
    """Returns the type of an attribute that has the fields of a block."""
    fields = {name: attribute["type"] for name, attribute in block.get("attributes", {}).items()}
    for name, nested in block.get("block_types", {}).items():
        kind = object_type(nested["block"])
        fields[name] = kind if nested["nesting_mode"] == "single" else [nested["nesting_mode"], kind]
    return ["object", fields]
