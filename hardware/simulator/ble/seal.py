"""Keys and seals as a device makes them (docs/protocol.md §3)."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

SALT = bytes.fromhex("6c880d1b1c0e4f5a8f5d2f4c53c4b1e7")
HOST, DEVICE = b"H", b"D"


class SealError(Exception):
    """A message was not sealed with this key, or not in this order."""


def _aes(key: bytes, block: bytes) -> bytes:
    """Encrypt one block: all a small chip's AES peripheral can."""
    encryptor = Cipher(algorithms.AES128(key), modes.ECB()).encryptor()  # noqa: S305 - a building block, not a mode of use
    return encryptor.update(block) + encryptor.finalize()


def _double(block: bytes) -> bytes:
    """Multiply by x in GF(2^128)."""
    number = int.from_bytes(block, "big") << 1
    return ((number & ((1 << 128) - 1)) ^ (0x87 if number >> 128 else 0)).to_bytes(16, "big")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def cmac(key: bytes, message: bytes) -> bytes:
    """Return AES-CMAC, RFC 4493, from single blocks."""
    subkey = _double(_aes(key, bytes(16)))
    blocks = [message[start : start + 16] for start in range(0, len(message), 16)] or [b""]
    last = blocks.pop()
    last = _xor(last, subkey) if len(last) == 16 else _xor(last + b"\x80" + bytes(15 - len(last)), _double(subkey))
    state = bytes(16)
    for block in [*blocks, last]:
        state = _aes(key, _xor(state, block))
    return state


def derive(key: bytes, label: str, context: bytes = b"") -> bytes:
    """Return a key for one use."""
    return cmac(key, b"\x01" + label.encode() + b"\x00" + context + b"\x00\x80")


def seal_advert(key: bytes, address: bytes, head: int, counter: int, plain: bytes) -> bytes:
    """Return ciphertext and tag of an advert."""
    nonce = address + bytes([head]) + counter.to_bytes(4, "little") + b"\x41\x00"
    return AESCCM(derive(key, "SL1 advert"), tag_length=4).encrypt(nonce, plain, None)


class Channel:
    """One end of a session."""

    def __init__(self, key: bytes, *, end: bytes = DEVICE) -> None:
        """Begin at message 0; `end` says whose end this is."""
        self._aead = AESCCM(key, tag_length=8)
        self._mine, self._theirs = (DEVICE, HOST) if end == DEVICE else (HOST, DEVICE)
        self._sent = self._heard = 0

    def seal(self, plain: bytes) -> bytes:
        """Seal the next message."""
        nonce = self._mine + self._sent.to_bytes(4, "little") + bytes(8)
        self._sent += 1
        return self._aead.encrypt(nonce, plain, None)

    def unseal(self, sealed: bytes) -> bytes:
        """Open the next message of the other end."""
        try:
            plain = self._aead.decrypt(self._theirs + self._heard.to_bytes(4, "little") + bytes(8), sealed, None)
        except (InvalidTag, ValueError) as err:
            raise SealError from err
        self._heard += 1
        return plain


def session_key(key: bytes, head: bytes, address: bytes, host_nonce: bytes, device_nonce: bytes) -> bytes:
    """Return the key of a session; `head` is version and kind."""
    return derive(key, "SL1 session", head + address + host_nonce + device_nonce)


def proof(key: bytes, who: bytes) -> bytes:
    """Return the proof of having a key."""
    return derive(key, "SL1 proof", who)[:8]


def public_key(secret: bytes) -> bytes:
    """Return the public half of 32 secret bytes."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def agree(
    secret: bytes, head: bytes, address: bytes, host_public: bytes, device_public: bytes, *, other: bytes
) -> bytes:
    """Return the bind key both sides come to; `other` is the public key that is not ours."""
    try:
        shared = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError as err:
        raise SealError from err
    return derive(cmac(SALT, shared), "SL1 bind", head + address + host_public + device_public)
