"""A Terraform provider with the schema of the AWS provider and without AWS.

It validates, plans and applies in memory; live.py makes some types of resources at a local stand-in as well. Attributes that AWS
would compute are made up: ARNs from the names in the configuration, so that they are known in the plan, everything else from a
digest.
"""

import hashlib
import json
from concurrent import futures

import grpc
import msgpack

import arns
import live
import protocol
from values import AllowedValues

messages, service = protocol.load()

UNKNOWN = msgpack.ExtType(0, b"\0")
NESTING = {
    "single": messages.Schema.NestedBlock.SINGLE,
    "list": messages.Schema.NestedBlock.LIST,
    "set": messages.Schema.NestedBlock.SET,
    "map": messages.Schema.NestedBlock.MAP,
}
UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def serve(schema: dict, socket: str) -> grpc.Server:
    """Starts the provider at a socket and returns the server."""
    server = grpc.server(futures.ThreadPoolExecutor(8), options=UNLIMITED)
    service.add_ProviderServicer_to_server(Provider(schema), server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server


def pack(value):
    return messages.DynamicValue(msgpack=msgpack.packb(value))


def unpack(value):
    return msgpack.unpackb(value.msgpack, strict_map_key=False) if value.msgpack else json.loads(value.json)


def is_write_only(name: str, attribute: dict) -> bool:
    """Recognises write-only attributes by their name: the bindings do not mark them."""
    return name.endswith("_wo") and not attribute.get("computed")


def schema_of(block: dict):
    """Returns a block of the schema as a message."""
    message = messages.Schema.Block()
    for name, attribute in block.get("attributes", {}).items():
        message.attributes.add(
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            required=attribute.get("required", False),
            optional=attribute.get("optional", False),
            computed=attribute.get("computed", False),
            write_only=is_write_only(name, attribute),
        )
    for name, nested in block.get("block_types", {}).items():
        message.block_types.add(
            type_name=name,
            block=schema_of(nested["block"]),
            nesting=NESTING[nested["nesting_mode"]],
            min_items=nested.get("min_items", 0),
            max_items=nested.get("max_items", 0),
        )
    return message


def made_up(kind, name: str, seed: str):
    """Returns a value of a type."""
    if name.endswith("arn"):
        return arns.unnamed(seed)
    if isinstance(kind, str):
        return {"string": f"{name}-{seed}", "number": 1, "bool": False}.get(kind)
    if kind[0] in ("list", "set"):
        # AWS computes lists of objects for what is there once, such as the secret of a database's user.
        return [made_up(kind[1], name, seed)] if kind[1][0] == "object" else []
    if kind[0] == "map":
        return {}
    return {field: made_up(inner, field, seed) for field, inner in kind[1].items()}


def fill(block: dict, value, compute):
    """Gives the computed attributes that the configuration leaves open the value of `compute(name, type)`."""
    if not isinstance(value, dict):
        return value
    for name, attribute in block.get("attributes", {}).items():
        current = value.get(name)
        if is_write_only(name, attribute):
            value[name] = None
        elif attribute.get("computed") and (current is None or isinstance(current, msgpack.ExtType)):
            value[name] = compute(name, attribute["type"])
    for name, nested in block.get("block_types", {}).items():
        inner = value.get(name)
        if isinstance(inner, list):
            value[name] = [fill(nested["block"], item, compute) for item in inner]
        elif isinstance(inner, dict):
            value[name] = fill(nested["block"], inner, compute)
    return value


def known(value):
    """Returns nothing for a value that only an apply decides."""
    return None if isinstance(value, msgpack.ExtType) else value


class Provider(service.ProviderServicer):
    """Implements the calls of Terraform."""

    def __init__(self, schema: dict):
        self.schema = schema
        self.allowed_values = AllowedValues()

    def block(self, kind: str, type_name: str) -> dict:
        return self.schema[kind][type_name]["block"]

    def GetProviderSchema(self, request, context):
        response = messages.GetProviderSchema.Response(
            provider=messages.Schema(version=0, block=schema_of(self.schema["provider"]["block"])),
            server_capabilities={"get_provider_schema_optional": True, "plan_destroy": True},
        )
        for kind in ("resource_schemas", "data_source_schemas", "ephemeral_resource_schemas"):
            for name, schema in self.schema[kind].items():
                message = messages.Schema(version=schema["version"], block=schema_of(schema["block"]))
                getattr(response, kind)[name].CopyFrom(message)
        return response

    def GetMetadata(self, request, context):
        response = messages.GetMetadata.Response()
        response.resources.extend({"type_name": name} for name in self.schema["resource_schemas"])
        response.data_sources.extend({"type_name": name} for name in self.schema["data_source_schemas"])
        return response

    def GetResourceIdentitySchemas(self, request, context):
        return messages.GetResourceIdentitySchemas.Response()

    def GetFunctions(self, request, context):
        return messages.GetFunctions.Response()

    def ValidateProviderConfig(self, request, context):
        return messages.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request, context):
        response = messages.ValidateResourceConfig.Response()
        block = self.block("resource_schemas", request.type_name)
        for path, mistake in self.allowed_values.mistakes(request.type_name, block, unpack(request.config)):
            steps = [{"element_key_int": step} if isinstance(step, int) else {"attribute_name": step} for step in path]
            response.diagnostics.add(
                severity=messages.Diagnostic.ERROR,
                summary="Unknown value",
                detail=mistake,
                attribute=messages.AttributePath(steps=steps),
            )
        return response

    def ValidateDataResourceConfig(self, request, context):
        return messages.ValidateDataResourceConfig.Response()

    def ValidateEphemeralResourceConfig(self, request, context):
        return messages.ValidateEphemeralResourceConfig.Response()

    def ConfigureProvider(self, request, context):
        return messages.ConfigureProvider.Response()

    def StopProvider(self, request, context):
        return messages.StopProvider.Response()

    def UpgradeResourceState(self, request, context):
        state = json.loads(request.raw_state.json)
        return messages.UpgradeResourceState.Response(upgraded_state=pack(state))

    def ReadResource(self, request, context):
        return messages.ReadResource.Response(new_state=request.current_state, private=request.private)

    def PlanResourceChange(self, request, context):
        new = unpack(request.proposed_new_state)
        if new is None:
            return messages.PlanResourceChange.Response(planned_state=request.proposed_new_state)
        # A server that makes the resource decides on the ARN, too.
        arn = None if live.is_on() else arns.arn(request.type_name, new)

        def compute(name, kind):
            return arn if name == "arn" and arn else UNKNOWN

        state = fill(self.block("resource_schemas", request.type_name), new, compute)
        return messages.PlanResourceChange.Response(planned_state=pack(state), legacy_type_system=True)

    def ApplyResourceChange(self, request, context):
        new = unpack(request.planned_state)
        if new is None:
            return messages.ApplyResourceChange.Response(new_state=request.planned_state)
        if unpack(request.prior_state) is None:
            new.update(live.make(request.type_name, {name: known(value) for name, value in new.items()}))
        seed = hashlib.sha256(request.planned_state.msgpack).hexdigest()[:8]

        def compute(name, kind):
            return made_up(kind, f"{request.type_name.removeprefix('aws_')}-{name}", seed)

        state = fill(self.block("resource_schemas", request.type_name), new, compute)
        return messages.ApplyResourceChange.Response(new_state=pack(state), legacy_type_system=True)

    def ReadDataSource(self, request, context):
        config = unpack(request.config)
        known = arns.DATA.get(request.type_name, {})

        def compute(name, kind):
            return known.get(name, made_up(kind, name, request.type_name.removeprefix("aws_")))

        state = fill(self.block("data_source_schemas", request.type_name), config, compute)
        return messages.ReadDataSource.Response(state=pack(state))

    def OpenEphemeralResource(self, request, context):
        config = unpack(request.config)

        def compute(name, kind):
            return made_up(kind, name, request.type_name)

        result = fill(self.block("ephemeral_resource_schemas", request.type_name), config, compute)
        return messages.OpenEphemeralResource.Response(result=pack(result))

    def CloseEphemeralResource(self, request, context):
        return messages.CloseEphemeralResource.Response()
