// What happens, as bytes of the event log (docs/protocol.md §5), and the ring that holds it.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace smartloop::ble {

constexpr uint8_t MISSING = 0xFF;
constexpr size_t MAX_ENVELOPE = 32;
constexpr size_t MAX_BODY = 6 + MAX_ENVELOPE;

enum class Kind : uint8_t { INHALER_SLEEVE = 1, BED_NODE = 2 };
enum class EventType : uint8_t { PUFF = 1, EPOCH = 2, BOOT = 3 };
enum class LastEvent : uint8_t { NONE = 0, BOOT = 1, PUFF = 2, TEST_FIRE = 3, CAP_OPENED = 4, CAP_CLOSED = 5, OCCUPIED = 8, EMPTY = 9 };
enum class Cause : uint8_t { UNKNOWN = 0, POWER = 1, BUTTON = 2, WATCHDOG = 3, SOFTWARE = 4, LOW_VOLTAGE = 5 };

// NaN is what was not measured.
struct PuffFigures {
  float shake_s{NAN};
  float tilt_deg{NAN};
  float peak_flow_lpm{NAN};
  float envelope_step_s{0.15f};
  size_t samples{0};
  std::array<float, MAX_ENVELOPE> envelope{};
  bool test{false};
};

struct EpochFigures {
  float duration_s{60};
  int occupied{-1};  // 0, 1, else unknown
  float heart_rate{NAN};
  float respiratory_rate{NAN};
  float motion{NAN};
  float quality{NAN};
};

// One event as it lies in flash; `id` 0 is an empty place.
struct Event {
  uint32_t id{0};
  uint16_t boot{0};
  uint8_t type{0};
  uint8_t size{0};
  uint64_t ticks{0};
  std::array<uint8_t, MAX_BODY> body{};
};

uint8_t quantized(float value, float unit, uint8_t top = 0xFE);
size_t pack(const PuffFigures &puff, uint8_t body[MAX_BODY]);
size_t pack(const EpochFigures &epoch, uint8_t body[MAX_BODY]);

// The ring over memory that somebody else owns (and keeps through power cuts).
class Log {
 public:
  Log(Event *events, size_t capacity) : events_(events), capacity_(capacity) {}

  // Where a given id lies.
  size_t place(uint32_t id) const { return (id - 1) % this->capacity_; }
  const Event &add(uint32_t id, EventType type, uint16_t boot, uint64_t ticks, const uint8_t *body, size_t size);
  void erase();
  // The oldest id still there; `next` when there is none.
  uint32_t oldest(uint32_t next) const;
  // A page behind the cursor in at most `room` bytes; `last` is set to the id it ends with.
  size_t page(uint32_t cursor, uint32_t next, size_t room, uint8_t *out, uint32_t *last) const;

 private:
  Event *events_;
  size_t capacity_;
};

// Little-endian numbers.
template<size_t SIZE> inline uint8_t *put(uint8_t *to, uint64_t number) {
  for (size_t i = 0; i < SIZE; i++)
    *to++ = static_cast<uint8_t>(number >> (8 * i));
  return to;
}
template<size_t SIZE> inline uint64_t get(const uint8_t *from) {
  uint64_t number = 0;
  for (size_t i = 0; i < SIZE; i++)
    number |= static_cast<uint64_t>(from[i]) << (8 * i);
  return number;
}

}  // namespace smartloop::ble
