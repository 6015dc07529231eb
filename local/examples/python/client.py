#!/usr/bin/env python3
"""A player's client in one file: signs in, reads and changes its profile, and prints what it does.

    pip install grpcio grpcio-tools
    python local/examples/python/client.py --name "Ada Lovelace"

The stubs are generated from the kit's protos when the program starts, into a folder that goes with it.
"""

import argparse
import importlib
import os
import pathlib
import secrets
import sys
import tempfile
import time
import uuid

import grpc
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parents[3] / "proto"
FILES = [
    "google/api/field_behavior.proto",
    "buf/validate/validate.proto",
    *sorted(str(path.relative_to(PROTO).as_posix()) for path in PROTO.glob("supergame/*/v1/*.proto")),
]


def generate(folder):
    """Generates the stubs and returns the modules of identity and profile: messages and services of each."""
    well_known = pathlib.Path(protoc.__file__).parent / "_proto"  # google/protobuf/*.proto
    includes = [f"-I{path}" for path in (PROTO, PROTO / "third_party", well_known)]
    if protoc.main(["protoc", *includes, f"--python_out={folder}", f"--grpc_python_out={folder}", *FILES]) != 0:
        sys.exit("the protos cannot be compiled")
    sys.path.insert(0, folder)
    names = ("identity.v1.identity_pb2", "identity.v1.identity_pb2_grpc", "profile.v1.profile_pb2", "profile.v1.profile_pb2_grpc")
    return [importlib.import_module("supergame." + name) for name in names]


class Connection:
    """Calls methods with what every call needs: the access token, a deadline, the session, and a second try.

    The session is the newest `supergame-session` trailer. Sent back with the next call, it makes sure that the call sees what
    the ones before it wrote, whichever replica answers.
    """

    def __init__(self):
        self.token = ""
        self.session = ""

    def call(self, method, request):
        """Returns the answer. UNAVAILABLE is tried again with the same request, which is safe: it has a request_id, or only reads."""
        metadata = []
        if self.token:
            metadata.append(("authorization", "Bearer " + self.token))
        if self.session:
            metadata.append(("supergame-session", self.session))
        for pause in (0.2, 0.8, None):
            try:
                answer, call = method.with_call(request, metadata=metadata, timeout=5)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or pause is None:
                    raise
                time.sleep(pause)
                continue
            trailers = dict(call.trailing_metadata())
            self.session = trailers.get("supergame-session", self.session)
            print(f"    {type(request).__name__}: {trailers.get('supergame-request-charge', '0')} request units")
            return answer


def device_secret(path):
    """Returns the secret of this device, and makes one the first time: whoever knows it is this player."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii").strip()


def main():
    parser = argparse.ArgumentParser(description="signs a player in, reads and changes his profile")
    parser.add_argument("--address", default="127.0.0.1:50051", help="host:port of the services")
    parser.add_argument("--name", default="Ada", help="the display name to take")
    parser.add_argument(
        "--device-file", type=pathlib.Path, default=pathlib.Path.home() / ".supergame-device", help="where this device keeps its secret"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, grpc.insecure_channel(args.address) as channel:
        try:
            play(args, channel, *generate(folder))
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")


def play(args, channel, identity, identity_grpc, profile, profile_grpc):
    connection = Connection()
    identities, profiles = identity_grpc.IdentityServiceStub(channel), profile_grpc.ProfileServiceStub(channel)

    print("Sign in with the secret of this device.")
    credential = {"device_id": device_secret(args.device_file)}
    signed_in = connection.call(identities.SignIn, identity.SignInRequest(device=credential, request_id=uuid.uuid4().hex))
    connection.token = signed_in.session.access_token
    print(f"  {'A new player' if signed_in.created else 'Welcome back'}: {signed_in.player_id}")

    print("Read the profile.")
    mine = connection.call(profiles.GetProfile, profile.GetProfileRequest(view=profile.PROFILE_VIEW_FULL)).profile
    print(f"  Name {mine.display_name!r}, settings {dict(mine.private.settings)}, version {mine.etag}")

    print(f"Take the name {args.name!r}, if nobody else has changed the profile since.")
    request = profile.UpdateProfileRequest(profile={"display_name": args.name, "etag": mine.etag}, request_id=uuid.uuid4().hex)
    request.update_mask.paths.append("display_name")
    changed = connection.call(profiles.UpdateProfile, request).profile
    print(f"  Name {changed.display_name!r}, version {changed.etag}")

    print("Count this start in the settings, which only the player himself sees.")
    settings = dict(mine.private.settings)
    settings["starts"] = str(int(settings.get("starts", "0")) + 1)
    request = profile.UpdateProfileRequest(
        profile={"private": {"settings": settings, "etag": mine.private.etag}}, request_id=uuid.uuid4().hex
    )
    request.update_mask.paths.append("private.settings")
    connection.call(profiles.UpdateProfile, request)

    print("Read it again.")
    mine = connection.call(profiles.GetProfile, profile.GetProfileRequest(view=profile.PROFILE_VIEW_FULL)).profile
    print(f"  Name {mine.display_name!r}, settings {dict(mine.private.settings)}")

    print("Another device that read the first version tries to change it, and is told to read again.")
    stale = profile.UpdateProfileRequest(profile={"display_name": "Eve", "etag": '"an old version"'}, request_id=uuid.uuid4().hex)
    stale.update_mask.paths.append("display_name")
    try:
        connection.call(profiles.UpdateProfile, stale)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.ABORTED:
            raise
        print(f"  {error.code().name}: {error.details()}")


if __name__ == "__main__":
    main()
