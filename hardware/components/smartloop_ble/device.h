// A whole device of docs/protocol.md but for its radio: advert, log, session, set-up mode. Plain C++: no ESPHome,
// no heap, no clock; `now` is milliseconds since the start, sleep included. Runs in tests/hardware, too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "crypto.h"
#include "records.h"

namespace smartloop::ble {

constexpr uint8_t VERSION = 1;
constexpr size_t ADVERT_SIZE = 31;
constexpr size_t INFO_SIZE = 15;
constexpr size_t MAX_MESSAGE = 512;
constexpr size_t MAX_PAGE = 480;

struct Anchor {
  uint16_t boot{0};
  uint16_t error_ms{0};
  uint64_t ticks{0};
  uint64_t utc_ms{0};
};

struct BootEnd {
  uint16_t boot{0};
  uint64_t ticks{0};
};

// What must survive a power cut. Small enough for one preference; the ring is kept event by event.
struct Memory {
  std::array<uint8_t, 16> key{};
  bool has_key{false};
  uint16_t boot{0};
  uint32_t reserved{0};  // advert counters below are used or given up
  uint32_t next_id{1};
  uint32_t shown{0};  // newest id ever sent in a page
  uint64_t ticks{0};  // of the present boot, as last noted
  uint8_t anchor_count{0};
  uint8_t end_count{0};
  std::array<Anchor, 4> anchors{};
  std::array<BootEnd, 8> ends{};
};

// Keeps memory; the calls come in an order that may be cut anywhere.
class Store {
 public:
  virtual ~Store() = default;
  virtual void save(const Memory &memory) = 0;
  virtual void save(size_t place, const Event &event) = 0;
};

// Carries one notification of the DATA characteristic.
class Link {
 public:
  virtual ~Link() = default;
  virtual void notify(const uint8_t *data, size_t size) = 0;
};

struct Identity {
  Kind kind;
  std::array<uint8_t, 6> address{};  // as written, first byte first
  std::array<uint8_t, 3> firmware{};
  uint8_t hardware{1};
  std::array<uint8_t, 8> serial{};
  uint16_t tolerance_ppm{200};
};

class Device {
 public:
  using Random = void (*)(uint8_t *out, size_t size);

  Device(const Identity &identity, Memory &memory, Event *ring, size_t capacity, AesBlock aes, Random random,
         Store &store);

  // Once after each start; `now` is 0 unless the ticks went on through sleep (then `woke`, and no new boot).
  void begin(Cause cause, uint64_t now);
  void woke(uint32_t counter, LastEvent last) {
    this->counter_ = counter;
    this->last_event_ = last;
    this->content_known_ = false;
  }

  void set_battery(int percent, uint16_t millivolts);  // percent < 0: unknown
  void puff(const PuffFigures &puff, uint64_t now);
  void epoch(const EpochFigures &epoch, uint64_t now);
  void happened(LastEvent event) { this->last_event_ = event; }
  void hold_button(uint64_t now) { this->setup_until_ = now + 120000; }
  bool setup_mode(uint64_t now) const { return now < this->setup_until_; }
  bool identifying(uint64_t now) const { return now < this->identify_until_; }
  void note_ticks(uint64_t now);  // at least every 10 minutes

  // The whole advertising data now on the air; its last ten bytes change.
  void advert(uint64_t now, uint8_t out[ADVERT_SIZE]);
  uint32_t counter() const { return this->counter_; }
  LastEvent last_event() const { return this->last_event_; }

  void info(uint64_t now, uint8_t out[INFO_SIZE]) const;
  void connect(size_t mtu, Link *link);
  void set_mtu(size_t mtu) { this->mtu_ = mtu; }
  void disconnect();
  bool connected() const { return this->link_ != nullptr; }
  // A fragment written to CONTROL; answers go to the link.
  void write(const uint8_t *data, size_t size, uint64_t now);

  const Memory &memory() const { return this->memory_; }

 protected:
  enum class Error : uint8_t { NONE = 0, VERSION = 1, NO_KEY = 2, NOT_IN_SETUP = 3, WRONG_KEY = 4, BUSY = 5, NOT_UNDERSTOOD = 6, BEYOND_LOG = 7 };

  void log_(EventType type, uint64_t now, const uint8_t *body, size_t size);
  uint8_t flags_(uint64_t now) const;
  void count_(uint64_t now);
  void send_(const uint8_t *message, size_t size);
  Error answer_(uint64_t now);
  Error challenge_();
  Error key_answer_(uint64_t now);
  Error key_done_(uint64_t now);
  Error sealed_(uint64_t now);
  // Writes the content of the answer; its length, or 0 and an error.
  size_t request_(const uint8_t *plain, size_t size, uint64_t now, uint8_t *out, Error *error);
  size_t status_(uint64_t now, uint8_t *out);
  Error anchor_(const uint8_t *body);
  void adopt_(uint32_t cursor);
  void proof_(const uint8_t key[16], const uint8_t *who, size_t size, uint8_t out[8]) const;

  Identity identity_;
  Memory &memory_;
  Log log_ring_;
  size_t capacity_;
  Crypto crypto_;
  Random random_;
  Store &store_;

  int battery_{-1};
  uint16_t millivolts_{0};
  LastEvent last_event_{LastEvent::NONE};
  uint32_t counter_{0};
  bool content_known_{false};
  std::array<uint8_t, 4> content_{};
  uint64_t content_at_{0};
  uint64_t setup_until_{0};
  uint64_t identify_until_{0};
  std::array<uint8_t, 6> current_{};

  Link *link_{nullptr};
  size_t mtu_{23};
  std::array<uint8_t, MAX_MESSAGE> incoming_{};
  size_t incoming_size_{0};
  uint32_t expected_{0};
  bool receiving_{false};
  bool open_{false};
  std::array<uint8_t, 16> session_key_{};
  uint32_t sent_{0};
  uint32_t heard_{0};
  bool offered_{false};
  std::array<uint8_t, 16> offered_key_{};
};

}  // namespace smartloop::ble
