// One BTHome v2 advert, plain C++: no ESPHome, no radio, so that a test on any computer can build it.
// Format: https://bthome.io/format (objects in rising order of their ids) and https://bthome.io/encryption
// (AES-128-CCM, nonce = MAC | UUID | device information | counter, 4 bytes of tag).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace smartloop::bthome {

// What legacy advertising leaves for measurements: 31 bytes less flags (3), the service data's own
// head (4), device information (1), counter (4) and tag (4).
inline constexpr size_t ADVERT_MAX = 31;
inline constexpr size_t OBJECTS_MAX = ADVERT_MAX - 3 - 4 - 1 - 4 - 4;

inline constexpr uint8_t ENCRYPTED_V2 = 0x41;
inline constexpr uint8_t TRIGGER_BASED = 0x04;  // events and long silences: receivers wait longer

using Block = std::array<uint8_t, 16>;
using EncryptBlock = void (*)(const uint8_t key[16], const uint8_t in[16], uint8_t out[16]);

struct Type {
  uint8_t id;
  uint8_t size;     // bytes, little-endian
  float per_unit;   // steps per unit
  bool is_signed;
};

class Packet {
 public:
  explicit Packet(bool trigger_based) : info_(ENCRYPTED_V2 | (trigger_based ? TRIGGER_BASED : 0)) {}

  // Adds one measurement; false when it is no number, out of the object's range or without room:
  // a value that cannot be said exactly is not said.
  bool add(const Type &type, float value) {
    if (!std::isfinite(value) || this->length_ + 1 + type.size > OBJECTS_MAX)
      return false;
    const double steps = std::round(static_cast<double>(value) * type.per_unit);
    const double span = std::ldexp(1.0, 8 * type.size);
    const double low = type.is_signed ? -span / 2 : 0.0;
    const double high = (type.is_signed ? span / 2 : span) - 1.0;
    if (steps < low || steps > high)
      return false;
    const auto raw = static_cast<uint64_t>(static_cast<int64_t>(steps));
    this->objects_[this->length_++] = type.id;
    for (size_t i = 0; i < type.size; i++)
      this->objects_[this->length_++] = static_cast<uint8_t>(raw >> (8 * i));
    return true;
  }

  bool empty() const { return this->length_ == 0; }

  // Writes the whole advert (flags and service data); returns its length. `mac` is in printed order.
  size_t seal(const uint8_t key[16], const uint8_t mac[6], uint32_t counter, EncryptBlock encrypt,
              uint8_t out[ADVERT_MAX]) const {
    const uint8_t count[4] = {static_cast<uint8_t>(counter), static_cast<uint8_t>(counter >> 8),
                              static_cast<uint8_t>(counter >> 16), static_cast<uint8_t>(counter >> 24)};
    uint8_t nonce[13];
    std::memcpy(nonce, mac, 6);
    nonce[6] = 0xD2;
    nonce[7] = 0xFC;
    nonce[8] = this->info_;
    std::memcpy(nonce + 9, count, 4);

    uint8_t cipher[OBJECTS_MAX];
    uint8_t tag[4];
    this->encrypt_(key, nonce, encrypt, cipher, tag);

    size_t at = 0;
    out[at++] = 2;     // flags:
    out[at++] = 0x01;
    out[at++] = 0x06;  // general discoverable, no classic Bluetooth
    out[at++] = static_cast<uint8_t>(1 + 2 + 1 + this->length_ + 4 + 4);
    out[at++] = 0x16;  // service data, 16-bit UUID
    out[at++] = 0xD2;
    out[at++] = 0xFC;
    out[at++] = this->info_;
    std::memcpy(out + at, cipher, this->length_);
    at += this->length_;
    std::memcpy(out + at, count, 4);
    at += 4;
    std::memcpy(out + at, tag, 4);
    return at + 4;
  }

 private:
  // RFC 3610 with L = 2, M = 4 and no associated data.
  void encrypt_(const uint8_t key[16], const uint8_t nonce[13], EncryptBlock encrypt, uint8_t *cipher,
                uint8_t tag[4]) const {
    Block counter{}, stream{}, mac{};
    counter[0] = 1;  // L - 1
    std::memcpy(counter.data() + 1, nonce, 13);

    Block first{};
    first[0] = (4 - 2) / 2 << 3 | 1;
    std::memcpy(first.data() + 1, nonce, 13);
    first[15] = static_cast<uint8_t>(this->length_);
    encrypt(key, first.data(), mac.data());

    for (size_t done = 0; done < this->length_; done += 16) {
      const size_t n = this->length_ - done < 16 ? this->length_ - done : 16;
      counter[15]++;
      encrypt(key, counter.data(), stream.data());
      for (size_t i = 0; i < n; i++) {
        cipher[done + i] = this->objects_[done + i] ^ stream[i];
        mac[i] ^= this->objects_[done + i];
      }
      const Block chained = mac;
      encrypt(key, chained.data(), mac.data());
    }
    counter[15] = 0;
    encrypt(key, counter.data(), stream.data());
    for (size_t i = 0; i < 4; i++)
      tag[i] = mac[i] ^ stream[i];
  }

  uint8_t info_;
  std::array<uint8_t, OBJECTS_MAX> objects_{};
  size_t length_{0};
};

}  // namespace smartloop::bthome
