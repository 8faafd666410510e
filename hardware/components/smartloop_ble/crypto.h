// Keys and seals of docs/protocol.md §3, from single AES blocks: every chip has those, few agree on more.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smartloop::ble {

// Encrypts one block; ESPHome's `ble_device_base::aes128_encrypt_block`, or the chip's own.
using AesBlock = void (*)(const uint8_t key[16], const uint8_t in[16], uint8_t out[16]);

class Crypto {
 public:
  explicit Crypto(AesBlock aes) : aes_(aes) {}

  // AES-CMAC, RFC 4493.
  void cmac(const uint8_t key[16], const uint8_t *message, size_t size, uint8_t mac[16]) const;

  // A key for one use; `context` may be empty. At most MAX_CONTEXT bytes.
  void derive(const uint8_t key[16], const char *label, const uint8_t *context, size_t size, uint8_t out[16]) const;

  // AES-CCM with a 13-byte nonce and no associated data. `seal` writes size + tag_size bytes.
  void seal(const uint8_t key[16], const uint8_t nonce[13], const uint8_t *plain, size_t size, size_t tag_size,
            uint8_t *out) const;
  // Writes size - tag_size bytes; false, and zeros, when the tag does not hold.
  bool open(const uint8_t key[16], const uint8_t nonce[13], const uint8_t *sealed, size_t size, size_t tag_size,
            uint8_t *out) const;

  static constexpr size_t MAX_CONTEXT = 96;

 private:
  void tag_(const uint8_t key[16], const uint8_t nonce[13], const uint8_t *plain, size_t size, size_t tag_size,
            uint8_t tag[16]) const;
  void stream_(const uint8_t key[16], const uint8_t nonce[13], uint16_t block, uint8_t out[16]) const;

  AesBlock aes_;
};

// Whether two secrets are the same, in a time that does not tell where they differ.
bool same(const uint8_t *one, const uint8_t *other, size_t size);

// RFC 7748. `shared` is false when the other's key leads to nothing but zeros.
void x25519_public(const uint8_t secret[32], uint8_t out[32]);
bool x25519_shared(const uint8_t secret[32], const uint8_t other[32], uint8_t out[32]);

}  // namespace smartloop::ble
