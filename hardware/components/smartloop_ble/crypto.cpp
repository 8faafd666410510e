#include "crypto.h"

#include <algorithm>
#include <cstring>

namespace smartloop::ble {

namespace {

void double_block(const uint8_t in[16], uint8_t out[16]) {
  const uint8_t carry = in[0] >> 7;
  for (size_t i = 0; i < 16; i++)
    out[i] = static_cast<uint8_t>(in[i] << 1 | (i < 15 ? in[i + 1] >> 7 : 0));
  out[15] ^= carry ? 0x87 : 0;
}

void xor_into(uint8_t *to, const uint8_t *from, size_t size) {
  for (size_t i = 0; i < size; i++)
    to[i] ^= from[i];
}

}  // namespace

void Crypto::cmac(const uint8_t key[16], const uint8_t *message, size_t size, uint8_t mac[16]) const {
  uint8_t subkey[16] = {};
  this->aes_(key, subkey, subkey);
  double_block(subkey, subkey);
  uint8_t state[16] = {};
  while (size > 16) {
    xor_into(state, message, 16);
    this->aes_(key, state, state);
    message += 16;
    size -= 16;
  }
  uint8_t last[16] = {};
  if (size > 0)
    memcpy(last, message, size);
  if (size < 16) {
    last[size] = 0x80;
    double_block(subkey, subkey);
  }
  xor_into(state, last, 16);
  xor_into(state, subkey, 16);
  this->aes_(key, state, mac);
}

void Crypto::derive(const uint8_t key[16], const char *label, const uint8_t *context, size_t size,
                    uint8_t out[16]) const {
  uint8_t message[16 + 4 + MAX_CONTEXT];
  size_t at = 0;
  message[at++] = 1;
  const size_t length = std::min<size_t>(strlen(label), 15);
  memcpy(message + at, label, length);
  at += length;
  message[at++] = 0;
  size = std::min(size, MAX_CONTEXT);
  if (size > 0)
    memcpy(message + at, context, size);
  at += size;
  message[at++] = 0;
  message[at++] = 0x80;
  this->cmac(key, message, at, out);
}

void Crypto::stream_(const uint8_t key[16], const uint8_t nonce[13], uint16_t block, uint8_t out[16]) const {
  uint8_t counter[16] = {1};
  memcpy(counter + 1, nonce, 13);
  counter[14] = static_cast<uint8_t>(block >> 8);
  counter[15] = static_cast<uint8_t>(block);
  this->aes_(key, counter, out);
}

void Crypto::tag_(const uint8_t key[16], const uint8_t nonce[13], const uint8_t *plain, size_t size, size_t tag_size,
                  uint8_t tag[16]) const {
  uint8_t state[16] = {static_cast<uint8_t>((tag_size - 2) / 2 << 3 | 1)};
  memcpy(state + 1, nonce, 13);
  state[14] = static_cast<uint8_t>(size >> 8);
  state[15] = static_cast<uint8_t>(size);
  this->aes_(key, state, state);
  for (size_t at = 0; at < size; at += 16) {
    xor_into(state, plain + at, std::min<size_t>(16, size - at));
    this->aes_(key, state, state);
  }
  this->stream_(key, nonce, 0, tag);
  xor_into(tag, state, 16);
}

void Crypto::seal(const uint8_t key[16], const uint8_t nonce[13], const uint8_t *plain, size_t size, size_t tag_size,
                  uint8_t *out) const {
  uint8_t tag[16], pad[16];
  this->tag_(key, nonce, plain, size, tag_size, tag);
  for (size_t at = 0; at < size; at += 16) {
    this->stream_(key, nonce, static_cast<uint16_t>(at / 16 + 1), pad);
    for (size_t i = at; i < std::min(at + 16, size); i++)
      out[i] = plain[i] ^ pad[i - at];
  }
  memcpy(out + size, tag, tag_size);
}

bool Crypto::open(const uint8_t key[16], const uint8_t nonce[13], const uint8_t *sealed, size_t size, size_t tag_size,
                  uint8_t *out) const {
  if (size < tag_size)
    return false;
  size -= tag_size;
  uint8_t tag[16], pad[16];
  for (size_t at = 0; at < size; at += 16) {
    this->stream_(key, nonce, static_cast<uint16_t>(at / 16 + 1), pad);
    for (size_t i = at; i < std::min(at + 16, size); i++)
      out[i] = sealed[i] ^ pad[i - at];
  }
  this->tag_(key, nonce, out, size, tag_size, tag);
  if (same(tag, sealed + size, tag_size))
    return true;
  if (size > 0)
    memset(out, 0, size);
  return false;
}

bool same(const uint8_t *one, const uint8_t *other, size_t size) {
  uint8_t differs = 0;
  for (size_t i = 0; i < size; i++)
    differs |= one[i] ^ other[i];
  return differs == 0;
}

// Curve25519 in 16 limbs of 16 bits, after TweetNaCl (Bernstein et al., public domain): small, and without
// branches that depend on the secret. 60-100 ms on an ESP32; needed once in a device's life.
namespace {

using Field = int64_t[16];

void carry(Field a) {
  for (size_t i = 0; i < 16; i++) {
    a[i] += int64_t{1} << 16;
    const int64_t c = a[i] >> 16;
    if (i < 15)
      a[i + 1] += c - 1;
    else
      a[0] += 38 * (c - 1);
    a[i] -= c * 65536;
  }
}

void swap_if(Field a, Field b, int64_t bit) {
  for (size_t i = 0; i < 16; i++) {
    const int64_t t = ~(bit - 1) & (a[i] ^ b[i]);
    a[i] ^= t;
    b[i] ^= t;
  }
}

void pack(uint8_t out[32], const Field in) {
  Field t, m = {};
  memcpy(t, in, sizeof(Field));
  for (int i = 0; i < 3; i++)
    carry(t);
  for (int pass = 0; pass < 2; pass++) {
    m[0] = t[0] - 0xFFED;
    for (size_t i = 1; i < 15; i++) {
      m[i] = t[i] - 0xFFFF - ((m[i - 1] >> 16) & 1);
      m[i - 1] &= 0xFFFF;
    }
    m[15] = t[15] - 0x7FFF - ((m[14] >> 16) & 1);
    const int64_t borrow = (m[15] >> 16) & 1;
    m[14] &= 0xFFFF;
    swap_if(t, m, 1 - borrow);
  }
  for (size_t i = 0; i < 16; i++) {
    out[2 * i] = static_cast<uint8_t>(t[i]);
    out[2 * i + 1] = static_cast<uint8_t>(t[i] >> 8);
  }
}

void add(Field out, const Field a, const Field b) {
  for (size_t i = 0; i < 16; i++)
    out[i] = a[i] + b[i];
}

void subtract(Field out, const Field a, const Field b) {
  for (size_t i = 0; i < 16; i++)
    out[i] = a[i] - b[i];
}

void multiply(Field out, const Field a, const Field b) {
  int64_t t[31] = {};
  for (size_t i = 0; i < 16; i++)
    for (size_t j = 0; j < 16; j++)
      t[i + j] += a[i] * b[j];
  for (size_t i = 0; i < 15; i++)
    t[i] += 38 * t[i + 16];
  memcpy(out, t, sizeof(Field));
  carry(out);
  carry(out);
}

void invert(Field out, const Field in) {
  Field c;
  memcpy(c, in, sizeof(Field));
  for (int a = 253; a >= 0; a--) {
    multiply(c, c, c);
    if (a != 2 && a != 4)
      multiply(c, c, in);
  }
  memcpy(out, c, sizeof(Field));
}

void ladder(const uint8_t secret[32], const uint8_t point[32], uint8_t out[32]) {
  static const Field A24 = {0xDB41, 1};
  uint8_t z[32];
  memcpy(z, secret, 32);
  z[31] = (z[31] & 127) | 64;
  z[0] &= 248;
  Field x, a = {1}, b, c = {}, d = {1}, e, f;
  for (size_t i = 0; i < 16; i++)
    x[i] = point[2 * i] + (int64_t{point[2 * i + 1]} << 8);
  x[15] &= 0x7FFF;
  memcpy(b, x, sizeof(Field));
  for (int i = 254; i >= 0; i--) {
    const int64_t bit = (z[i >> 3] >> (i & 7)) & 1;
    swap_if(a, b, bit);
    swap_if(c, d, bit);
    add(e, a, c);
    subtract(a, a, c);
    add(c, b, d);
    subtract(b, b, d);
    multiply(d, e, e);
    multiply(f, a, a);
    multiply(a, c, a);
    multiply(c, b, e);
    add(e, a, c);
    subtract(a, a, c);
    multiply(b, a, a);
    subtract(c, d, f);
    multiply(a, c, A24);
    add(a, a, d);
    multiply(c, c, a);
    multiply(a, d, f);
    multiply(d, b, x);
    multiply(b, e, e);
    swap_if(a, b, bit);
    swap_if(c, d, bit);
  }
  invert(c, c);
  multiply(a, a, c);
  pack(out, a);
}

}  // namespace

void x25519_public(const uint8_t secret[32], uint8_t out[32]) {
  static const uint8_t BASE[32] = {9};
  ladder(secret, BASE, out);
}

bool x25519_shared(const uint8_t secret[32], const uint8_t other[32], uint8_t out[32]) {
  ladder(secret, other, out);
  uint8_t any = 0;
  for (size_t i = 0; i < 32; i++)
    any |= out[i];
  return any != 0;
}

}  // namespace smartloop::ble
