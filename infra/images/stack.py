"""The local stack, with containers in place of its worker and API."""

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from contextlib import ExitStack, contextmanager

from tooling import Failed, require, reserve_ports

# The number of ports that the local stack takes, counted from its base.
PORTS = 11

# kassa-dev takes worker and API from a folder, so this script is what it starts.
PROGRAM = """#!/bin/sh
# Runs the image of {program} in place of the program, with the environment that the program would get.
env | grep -E '^(AWS|KASSA|TEMPORAL)_' > '{folder}/{program}.env'
exec podman run --name {program} --env-file '{folder}/{program}.env' {options} {image} "$@"
"""

START_LIMIT = 240
ORDER_LIMIT = 60
# The worker gives running activities 35 seconds.
STOP_LIMIT = 60
READY = "Everything is up"
ADMINISTRATOR = re.compile(r"^\s*Administrator\s+(\S+) with the password (\S+)$", re.MULTILINE)


def prove_stack(containers, images, dev, done):
    folder = containers.folder / "programs"
    folder.mkdir()
    for target, program in (("api", "kassa-api"), ("worker", "kassa-worker")):
        script = folder / program
        options = " ".join(containers.HARDENED)
        script.write_text(PROGRAM.format(program=program, folder=folder, options=options, image=images[target]))
        script.chmod(0o755)

    with local_stack(containers, dev, folder) as output:
        require("✗" not in output, f"the first orders did not end as they should:\n{output}")
        done("the stack is up with both containers, and its first orders ended as they should")
        settings = read_settings(folder / "kassa-worker.env")
        migrations = migrate_new_database(containers, images["worker"], settings)
        done(f"migrate: {migrations} applied to an empty database, none the second time")
        api = f"http://{read_settings(folder / 'kassa-api.env')['KASSA_API_LISTEN']}"
        order, took = buy(api, *ADMINISTRATOR.search(output).groups())
        done(f"{order} is CONFIRMED after {took:.1f} s")
        said = operate(containers, images["cli"], folder / "kassa-worker.env")
        done(f"kassa reconcile: {said}")
    for program in ("kassa-api", "kassa-worker"):
        status = containers.exit_status(program)
        require(status == 0, f"{program} ended with {status} on SIGTERM")
    done("SIGTERM ended both containers in order")


@contextmanager
def local_stack(containers, dev, programs):
    """Starts the local stack and yields its output once it is up; stops it in order at the end."""
    log = containers.folder / "stack.log"
    environment = {**containers.environment, "KASSA_BINARIES": str(programs), "NO_COLOR": "1"}
    with ExitStack() as reservations, log.open("w") as file:
        base = reserve_ports(reservations, PORTS)
        command = [dev, "--port-base", str(base), "--state", containers.folder / "stack"]
        # A group of its own, so that Ctrl-C in a terminal reaches this program alone, which then ends the rest in order.
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
        try:
            yield wait_for(process, log)
            process.send_signal(signal.SIGTERM)
            status = process.wait(STOP_LIMIT)
            require(status == 0, f"the local stack ended with {status}:\n{log.read_text()}")
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_LIMIT)
                except subprocess.TimeoutExpired:
                    process.kill()


def wait_for(process, log):
    deadline = time.monotonic() + START_LIMIT
    while True:
        output = log.read_text()
        # The last thing that is printed.
        if READY in output and "Ctrl-C stops everything" in output:
            return output
        require(process.poll() is None, f"the local stack ended by itself:\n{output}{logs(log)}")
        require(time.monotonic() < deadline, f"the local stack is not up after {START_LIMIT} s:\n{output}{logs(log)}")
        time.sleep(0.2)


def logs(log):
    files = [log.parent / f"stack/logs/{name}.log" for name in ("worker", "api")]
    return "".join(f"\n{file.name}:\n{file.read_text()[-2000:]}" for file in files if file.exists())


def read_settings(file):
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def migrate_new_database(containers, image, settings):
    """Migrates an empty database with the image, twice, and returns how many migrations there are."""
    database = "migrated_by_image"
    statement = {
        "resourceArn": settings["KASSA_RDS_RESOURCE_ARN"],
        "secretArn": settings["KASSA_RDS_SECRET_ARN"],
        "sql": f"CREATE DATABASE {database}",
    }
    # The stand-in asks for a signature and does not check it.
    signature = "AWS4-HMAC-SHA256 Credential=local/20260101/local/rds-data/aws4_request, SignedHeaders=host, Signature=none"
    call(f"{settings['KASSA_RDS_ENDPOINT']}/Execute", statement, {"authorization": signature})
    variables = [option for name, value in settings.items() if name.startswith(("AWS_", "KASSA_RDS_"))
                 for option in ("--env", f"{name}={value}")]  # fmt: skip
    command = ["run", "--rm", *containers.HARDENED, *variables, "--env", f"KASSA_RDS_DATABASE={database}", image, "migrate"]
    first, second = containers.podman(*command), containers.podman(*command)
    applied = re.findall(r"^applied (\w+)$", first, re.MULTILINE)
    require(applied, f"kassa-worker migrate applied nothing to an empty database:\n{first}")
    up_to_date = "applied" not in second and second.endswith("the database is up to date")
    require(up_to_date, f"kassa-worker migrate says the second time:\n{second}")
    return len(applied)


def buy(api, email, password):
    """Creates a product as its administrator, buys it as a guest, and waits until the order is CONFIRMED."""
    token = call(f"{api}/api/users/login", {"email": email, "password": password})["access_token"]
    staff = {"authorization": f"Bearer {token}"}
    product = {"name": "Bought from a container", "price": {"amount": 1250, "currency": "EUR"}}
    product = call(f"{api}/api/products", product, staff)["id"]
    call(f"{api}/api/products/{product}/stock", {"delta": 5, "reason": "check of the images"}, staff)
    items = [{"product_id": product, "quantity": 2}]
    begin = time.monotonic()
    checkout = {"items": items, "email": "ada@example.com", "payment_method": "pm_card_visa"}
    order = call(f"{api}/api/checkout", checkout)
    guest = {"kassa-order-token": order["order_token"]}
    while (status := call(f"{api}/api/orders/{order['order_id']}", headers=guest)["status"]) != "CONFIRMED":
        require(time.monotonic() < begin + ORDER_LIMIT, f"{order['order_id']} is {status} after {ORDER_LIMIT} s")
        time.sleep(0.1)
    took = time.monotonic() - begin
    require(order["total"] == {"amount": 2500, "currency": "EUR"}, f"the order costs {order['total']}")
    stock = call(f"{api}/api/products/{product}/stock", headers=staff)["stock"]
    require((stock["available"], stock["sold"]) == (3, 2), f"two of five were sold, and the stock is {stock}")
    return order["order_id"], took


def operate(containers, image, settings):
    """Runs commands for operators and returns what the reconciliation says."""
    command = ["run", "--rm", *containers.HARDENED, "--env-file", settings, image]
    containers.podman(*command, "payments", "status")
    return containers.podman(*command, "reconcile").splitlines()[-1]


def call(url, body=None, headers=None):
    """Sends JSON and returns the JSON of the answer, which has to be a success."""
    headers = {"content-type": "application/json", "idempotency-key": str(uuid.uuid4()), **(headers or {})}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    # Proxies of the machine have no part in calls on the loopback interface.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ORDER_LIMIT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Failed(f"{url} answers {error.code}: {error.read().decode(errors='replace')}") from error
