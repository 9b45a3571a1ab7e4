"""How a client and the server come to a secret: the key exchange, and the proof of a two-step password.

core.telegram.org/mtproto/auth_key and core.telegram.org/api/srp, the server's side of each.
"""

import math
import os
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha1
from typing import Any

import rsa
from telethon import helpers, password
from telethon.crypto import AES, AuthKey
from telethon.crypto import rsa as telethon_rsa
from telethon.extensions import BinaryReader
from telethon.tl import functions, types

from monitor.standin.telegram_wire import MalformedError

# The prime of Telegram's own servers, which clients take without testing it, with the generator 3.
PRIME = int(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4db"
    "fa336f6e0ac925139543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"
    "2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b41"
    "0dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"
    "e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f0d8115f635b105ee2e4e15d04b2454bf"
    "6f4fadf034b10403119cd8e3b92fcc5b",
    16,
)
GENERATOR = 3
_BYTES = 256
# Small, for clients to take apart at once; their product does not set the top bit, which Telethon reads as a sign.
_P, _Q = 1_000_003, 1_099_513


@cache
def made_key() -> rsa.PrivateKey:
    """An RSA key of 2048 bits for this process; making it takes a second."""
    p, q = _prime(), _prime()
    e, d = rsa.key.calculate_keys_custom_exponent(p, q, 65_537)
    return rsa.PrivateKey(p * q, e, d, p, q)


def _prime() -> int:
    """A prime of 1024 bits. `rsa` tests each number at length, where most have a small divisor."""
    small = math.prod(range(3, 2000, 2))
    while True:
        number = (0b11 << 1022) | secrets.randbits(1022) | 1
        likely = math.gcd(number, small) == 1 and pow(2, number - 1, number) == 1
        if likely and number % 65_537 != 1 and rsa.prime.is_prime(number):
            return number


def public_pem(key: rsa.PrivateKey) -> str:
    """The public half, as `telethon.crypto.rsa.add_key` takes it."""
    return rsa.PublicKey(key.n, key.e).save_pkcs1().decode()


def fingerprint(key: rsa.PrivateKey) -> int:
    """The number by which a server names its key: the last 8 bytes of a SHA-1, little-endian, signed."""
    parts = (types.TLObject.serialize_bytes(telethon_rsa.get_byte_array(n)) for n in (key.n, key.e))
    return int(struct.unpack("<q", sha1(b"".join(parts)).digest()[-8:])[0])  # noqa: S324 - the format's


def _algorithm() -> Any:
    return types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
        salt1=os.urandom(40), salt2=os.urandom(16), g=GENERATOR, p=_wide(PRIME)
    )


def _wide(number: int) -> bytes:
    return number.to_bytes(_BYTES, "big")


def _hash(*parts: bytes) -> bytes:
    return bytes(password.sha256(*parts))


def _random(bits: int) -> int:
    return int.from_bytes(os.urandom(bits // 8), "little", signed=True)


@dataclass(slots=True)
class Handshake:
    """One exchange on one connection; `made` is called with the key that it comes to."""

    key: Callable[[], rsa.PrivateKey]
    made: Callable[[Any], None]
    nonce: int = 0
    new_nonce: int = 0
    server_nonce: int = field(default_factory=lambda: _random(128))
    secret: int = field(default_factory=lambda: int.from_bytes(os.urandom(_BYTES), "big"))

    def answer(self, request: Any) -> Any:
        """The answer to one of the three requests of an exchange."""
        if isinstance(request, functions.ReqPqMultiRequest | functions.ReqPqRequest):
            return self._pq(request)
        if isinstance(request, functions.ReqDHParamsRequest):
            return self._params(request)
        if isinstance(request, functions.SetClientDHParamsRequest):
            return self._generated(request)
        message = f"{type(request).__name__} without a key"
        raise MalformedError(message)

    def _pq(self, request: Any) -> Any:
        self.nonce = request.nonce
        product = telethon_rsa.get_byte_array(_P * _Q)
        return types.ResPQ(self.nonce, self.server_nonce, product, [fingerprint(self.key())])

    def _params(self, request: Any) -> Any:
        key = self.key()
        number = rsa.core.decrypt_int(int.from_bytes(request.encrypted_data, "big"), key.d, key.n)
        with BinaryReader(number.to_bytes(_BYTES, "big")[21:]) as reader:
            self.new_nonce = reader.tgread_object().new_nonce
        inner = bytes(
            types.ServerDHInnerData(
                nonce=self.nonce,
                server_nonce=self.server_nonce,
                g=GENERATOR,
                dh_prime=PRIME.to_bytes(_BYTES, "big"),
                g_a=pow(GENERATOR, self.secret, PRIME).to_bytes(_BYTES, "big"),
                server_time=int(time.time()),
            )
        )
        answer = AES.encrypt_ige(sha1(inner).digest() + inner, *self._aes())  # noqa: S324 - the format's
        return types.ServerDHParamsOk(self.nonce, self.server_nonce, answer)

    def _generated(self, request: Any) -> Any:
        with BinaryReader(AES.decrypt_ige(request.encrypted_data, *self._aes())[20:]) as reader:
            theirs = int.from_bytes(reader.tgread_object().g_b, "big")
        auth = AuthKey(telethon_rsa.get_byte_array(pow(theirs, self.secret, PRIME)))
        if len(auth.key) < _BYTES:
            # Telethon drops leading zeros and keeps a key in 256 bytes, padded at the wrong end.
            again = auth.calc_new_nonce_hash(self.new_nonce, 2)
            return types.DhGenRetry(self.nonce, self.server_nonce, again)
        self.made(auth)
        return types.DhGenOk(self.nonce, self.server_nonce, auth.calc_new_nonce_hash(self.new_nonce, 1))

    def _aes(self) -> tuple[bytes, bytes]:
        key, vector = helpers.generate_key_data_from_nonce(self.server_nonce, self.new_nonce)
        return key, vector


@dataclass(slots=True)
class PasswordProof:
    """A question for a two-step password that only who knows the password can answer (SRP)."""

    words: str
    id: int = field(default_factory=lambda: _random(64))
    algorithm: Any = field(default_factory=_algorithm)
    _secret: int = field(default_factory=lambda: int.from_bytes(os.urandom(_BYTES), "big"))
    _verifier: int = field(init=False)
    _public: int = field(init=False)

    def __post_init__(self) -> None:
        x = int.from_bytes(password.compute_hash(self.algorithm, self.words), "big")
        self._verifier = pow(GENERATOR, x, PRIME)
        k = int.from_bytes(_hash(_wide(PRIME), _wide(GENERATOR)), "big")
        self._public = (k * self._verifier + pow(GENERATOR, self._secret, PRIME)) % PRIME

    def question(self) -> Any:
        """What account.getPassword answers."""
        return types.account.Password(
            has_password=True,
            current_algo=self.algorithm,
            srp_B=_wide(self._public),
            srp_id=self.id,
            hint="invented",
            new_algo=self.algorithm,
            new_secure_algo=types.SecurePasswordKdfAlgoUnknown(),
            secure_random=os.urandom(_BYTES),
        )

    def holds(self, answer: Any) -> bool:
        """Whether an answer shows the password."""
        theirs = int.from_bytes(answer.A, "big") % PRIME
        u = int.from_bytes(_hash(_wide(theirs), _wide(self._public)), "big")
        shared = pow(theirs * pow(self._verifier, u, PRIME), self._secret, PRIME)
        proof = _hash(
            password.xor(_hash(_wide(PRIME)), _hash(_wide(GENERATOR))),
            _hash(self.algorithm.salt1),
            _hash(self.algorithm.salt2),
            _wide(theirs),
            _wide(self._public),
            _hash(_wide(shared)),
        )
        return bool(proof == answer.M1)


def no_password() -> Any:
    """What account.getPassword answers where none is set."""
    return types.account.Password(
        new_algo=_algorithm(),
        new_secure_algo=types.SecurePasswordKdfAlgoUnknown(),
        secure_random=os.urandom(_BYTES),
    )
