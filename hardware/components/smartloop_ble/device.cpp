#include "device.h"

#include <algorithm>
#include <cstring>

namespace smartloop::ble {

namespace {

constexpr uint32_t RESERVED = 1024;
constexpr uint64_t HEARTBEAT_MS = 60000;
constexpr int LOW_BATTERY_PERCENT = 10;
constexpr uint8_t LOW_BATTERY = 1, CLOCK_LOST = 2, LOG_OVERFLOW = 4, IDENTIFYING = 8;
constexpr uint8_t SALT[16] = {0x6c, 0x88, 0x0d, 0x1b, 0x1c, 0x0e, 0x4f, 0x5a,
                              0x8f, 0x5d, 0x2f, 0x4c, 0x53, 0xc4, 0xb1, 0xe7};
// Flags, then service data under d7b40001-e49d-442a-8e79-b89fb412c841, reversed as Bluetooth does.
constexpr uint8_t ADVERT_HEAD[21] = {0x02, 0x01, 0x06, 0x1B, 0x21, 0x41, 0xc8, 0x12, 0xb4, 0x9f, 0xb8,
                                     0x79, 0x8e, 0x2a, 0x44, 0x9d, 0xe4, 0x01, 0x00, 0xb4, 0xd7};
constexpr size_t TAG = 8;

}  // namespace

Device::Device(const Identity &identity, Memory &memory, Event *ring, size_t capacity, AesBlock aes, Random random,
               Store &store)
    : identity_(identity),
      memory_(memory),
      log_ring_(ring, capacity),
      capacity_(capacity),
      crypto_(aes),
      random_(random),
      store_(store) {
  EpochFigures empty;
  empty.occupied = 0;
  pack(empty, this->current_.data());
}

void Device::begin(Cause cause, uint64_t now) {
  Memory &m = this->memory_;
  if (m.boot != 0) {
    if (m.end_count == m.ends.size()) {
      std::move(m.ends.begin() + 1, m.ends.end(), m.ends.begin());
      m.end_count--;
    }
    m.ends[m.end_count++] = {m.boot, m.ticks};
  }
  m.boot++;
  m.ticks = now;
  this->counter_ = m.reserved;
  this->last_event_ = LastEvent::BOOT;
  uint8_t body[4] = {static_cast<uint8_t>(cause)};
  memcpy(body + 1, this->identity_.firmware.data(), 3);
  this->log_(EventType::BOOT, now, body, sizeof(body));
}

void Device::set_battery(int percent, uint16_t millivolts) {
  this->battery_ = std::min(percent, 100);
  this->millivolts_ = millivolts;
}

void Device::log_(EventType type, uint64_t now, const uint8_t *body, size_t size) {
  Memory &m = this->memory_;
  // The event first: a cut between the two leaves an id without memory, and no memory without an id.
  const Event &event = this->log_ring_.add(m.next_id, type, m.boot, now, body, size);
  this->store_.save(this->log_ring_.place(m.next_id), event);
  m.next_id++;
  m.ticks = std::max(m.ticks, now);
  this->store_.save(m);
}

void Device::note_ticks(uint64_t now) {
  this->memory_.ticks = std::max(this->memory_.ticks, now);
  this->store_.save(this->memory_);
}

void Device::puff(const PuffFigures &puff, uint64_t now) {
  uint8_t body[MAX_BODY];
  this->log_(EventType::PUFF, now, body, pack(puff, body));
  this->last_event_ = puff.test ? LastEvent::TEST_FIRE : LastEvent::PUFF;
}

void Device::epoch(const EpochFigures &epoch, uint64_t now) {
  uint8_t body[MAX_BODY];
  const size_t size = pack(epoch, body);
  memcpy(this->current_.data(), body, size);
  this->log_(EventType::EPOCH, now, body, size);
  if (epoch.occupied == 0 || epoch.occupied == 1)
    this->last_event_ = epoch.occupied ? LastEvent::OCCUPIED : LastEvent::EMPTY;
}

uint8_t Device::flags_(uint64_t now) const {
  const Memory &m = this->memory_;
  uint8_t flags = this->battery_ >= 0 && this->battery_ <= LOW_BATTERY_PERCENT ? LOW_BATTERY : 0;
  const auto *end = m.anchors.begin() + m.anchor_count;
  if (std::none_of(m.anchors.begin(), end, [&m](const Anchor &each) { return each.boot == m.boot; }))
    flags |= CLOCK_LOST;
  if (this->log_ring_.oldest(m.next_id) - 1 > m.shown)
    flags |= LOG_OVERFLOW;
  return flags | (this->identifying(now) ? IDENTIFYING : 0);
}

void Device::count_(uint64_t now) {
  const bool in_the_open = !this->memory_.has_key || this->setup_mode(now);
  const std::array<uint8_t, 4> content = {
      static_cast<uint8_t>(in_the_open), this->battery_ < 0 ? MISSING : static_cast<uint8_t>(this->battery_),
      static_cast<uint8_t>(this->memory_.next_id - 1),
      static_cast<uint8_t>(static_cast<uint8_t>(this->last_event_) | this->flags_(now) << 4)};
  if (this->content_known_ && content == this->content_ && now - this->content_at_ < HEARTBEAT_MS)
    return;
  this->content_known_ = true;
  this->content_ = content;
  this->content_at_ = now;
  this->counter_++;
  if (this->counter_ >= this->memory_.reserved) {
    this->memory_.reserved = this->counter_ + RESERVED;
    this->store_.save(this->memory_);
  }
}

void Device::advert(uint64_t now, uint8_t out[ADVERT_SIZE]) {
  this->count_(now);
  memcpy(out, ADVERT_HEAD, sizeof(ADVERT_HEAD));
  uint8_t *payload = out + sizeof(ADVERT_HEAD);
  const bool in_the_open = this->content_[0] != 0;
  payload[0] = static_cast<uint8_t>(VERSION | static_cast<uint8_t>(this->identity_.kind) << 4 | (in_the_open ? 0 : 0x80));
  put<2>(payload + 1, this->counter_);
  if (in_the_open) {
    memset(payload + 3, 0, 7);
    payload[3] = static_cast<uint8_t>((this->setup_mode(now) ? 1 : 0) | (this->memory_.has_key ? 2 : 0));
    payload[4] = this->identity_.firmware[0];
    payload[5] = this->identity_.firmware[1];
    payload[6] = this->content_[1];
    return;
  }
  uint8_t key[16], nonce[13];
  this->crypto_.derive(this->memory_.key.data(), "SL1 advert", nullptr, 0, key);
  memcpy(nonce, this->identity_.address.data(), 6);
  nonce[6] = payload[0];
  put<4>(nonce + 7, this->counter_);
  nonce[11] = 0x41;
  nonce[12] = 0;
  this->crypto_.seal(key, nonce, this->content_.data() + 1, 3, 4, payload + 3);
}

void Device::info(uint64_t now, uint8_t out[INFO_SIZE]) const {
  out[0] = out[1] = VERSION;
  out[2] = static_cast<uint8_t>(static_cast<uint8_t>(this->identity_.kind) | (this->setup_mode(now) ? 0x10 : 0) |
                                (this->memory_.has_key ? 0x20 : 0));
  memcpy(out + 3, this->identity_.firmware.data(), 3);
  out[6] = this->identity_.hardware;
  memcpy(out + 7, this->identity_.serial.data(), 8);
}

void Device::connect(size_t mtu, Link *link) {
  this->disconnect();
  this->mtu_ = mtu;
  this->link_ = link;
}

void Device::disconnect() {
  this->link_ = nullptr;
  this->receiving_ = this->open_ = this->offered_ = false;
  this->session_key_.fill(0);
  this->offered_key_.fill(0);
}

void Device::write(const uint8_t *data, size_t size, uint64_t now) {
  if (this->link_ == nullptr)
    return;
  Error error = Error::NOT_UNDERSTOOD;
  if (size >= 2) {
    if (data[0] & 0x80) {
      this->receiving_ = true;
      this->incoming_size_ = 0;
      this->expected_ = 0;
    }
    if (this->receiving_ && (data[0] & 0x3F) == (this->expected_ & 0x3F) &&
        this->incoming_size_ + size - 1 <= this->incoming_.size()) {
      memcpy(this->incoming_.data() + this->incoming_size_, data + 1, size - 1);
      this->incoming_size_ += size - 1;
      this->expected_++;
      if (!(data[0] & 0x40))
        return;
      this->receiving_ = false;
      error = this->answer_(now);
    }
  }
  if (error == Error::NONE)
    return;
  this->receiving_ = this->open_ = this->offered_ = false;
  const uint8_t message[2] = {0x7F, static_cast<uint8_t>(error)};
  this->send_(message, sizeof(message));
}

void Device::send_(const uint8_t *message, size_t size) {
  uint8_t fragment[MAX_MESSAGE + 1];
  const size_t room = std::min<size_t>(std::max<size_t>(this->mtu_, 23) - 4, MAX_MESSAGE);
  uint8_t number = 0;
  for (size_t at = 0; at < size && this->link_ != nullptr; at += room, number++) {
    const size_t piece = std::min(room, size - at);
    fragment[0] = static_cast<uint8_t>((number & 0x3F) | (at == 0 ? 0x80 : 0) | (at + piece == size ? 0x40 : 0));
    memcpy(fragment + 1, message + at, piece);
    this->link_->notify(fragment, piece + 1);
  }
}

Device::Error Device::answer_(uint64_t now) {
  switch (this->incoming_[0]) {
    case 0x01:
      return this->challenge_();
    case 0x03:
      return this->key_answer_(now);
    case 0x05:
      return this->key_done_(now);
    case 0x10:
      return this->open_ ? this->sealed_(now) : Error::NOT_UNDERSTOOD;
    default:
      return Error::NOT_UNDERSTOOD;
  }
}

void Device::proof_(const uint8_t key[16], const uint8_t *who, size_t size, uint8_t out[8]) const {
  uint8_t whole[16];
  this->crypto_.derive(key, "SL1 proof", who, size, whole);
  memcpy(out, whole, 8);
}

Device::Error Device::challenge_() {
  if (this->incoming_size_ < 10)
    return Error::NOT_UNDERSTOOD;
  if (this->incoming_[1] != VERSION)
    return Error::VERSION;
  if (!this->memory_.has_key)
    return Error::NO_KEY;
  uint8_t context[24] = {VERSION, static_cast<uint8_t>(this->identity_.kind)};
  memcpy(context + 2, this->identity_.address.data(), 6);
  memcpy(context + 8, this->incoming_.data() + 2, 8);
  this->random_(context + 16, 8);
  this->crypto_.derive(this->memory_.key.data(), "SL1 session", context, sizeof(context), this->session_key_.data());
  this->sent_ = this->heard_ = 0;
  this->open_ = true;
  uint8_t message[18] = {0x02, VERSION};
  memcpy(message + 2, context + 16, 8);
  const uint8_t who = 'D';
  this->proof_(this->session_key_.data(), &who, 1, message + 10);
  this->send_(message, sizeof(message));
  return Error::NONE;
}

Device::Error Device::key_answer_(uint64_t now) {
  if (!this->setup_mode(now))
    return Error::NOT_IN_SETUP;
  if (this->incoming_size_ < 34)
    return Error::NOT_UNDERSTOOD;
  if (this->incoming_[1] != VERSION)
    return Error::VERSION;
  uint8_t secret[32], shared[32], context[72] = {VERSION, static_cast<uint8_t>(this->identity_.kind)};
  uint8_t message[34] = {0x04, VERSION};
  this->random_(secret, sizeof(secret));
  x25519_public(secret, message + 2);
  const bool good = x25519_shared(secret, this->incoming_.data() + 2, shared);
  memset(secret, 0, sizeof(secret));
  if (!good)
    return Error::NOT_UNDERSTOOD;
  memcpy(context + 2, this->identity_.address.data(), 6);
  memcpy(context + 8, this->incoming_.data() + 2, 32);
  memcpy(context + 40, message + 2, 32);
  uint8_t extracted[16];
  this->crypto_.cmac(SALT, shared, sizeof(shared), extracted);
  this->crypto_.derive(extracted, "SL1 bind", context, sizeof(context), this->offered_key_.data());
  memset(shared, 0, sizeof(shared));
  this->offered_ = true;
  this->send_(message, sizeof(message));
  return Error::NONE;
}

Device::Error Device::key_done_(uint64_t now) {
  if (!this->offered_ || !this->setup_mode(now))
    return Error::NOT_IN_SETUP;
  uint8_t confirm[16], who[5] = {'H'}, expected[8];
  this->crypto_.derive(this->offered_key_.data(), "SL1 confirm", nullptr, 0, confirm);
  memcpy(who + 1, this->incoming_.data() + 1, 4);
  this->proof_(confirm, who, sizeof(who), expected);
  if (this->incoming_size_ < 13 || !same(expected, this->incoming_.data() + 5, 8))
    return Error::WRONG_KEY;
  this->adopt_(static_cast<uint32_t>(get<4>(who + 1)));
  uint8_t message[9] = {0x06};
  who[0] = 'D';
  this->proof_(confirm, who, sizeof(who), message + 1);
  this->send_(message, sizeof(message));
  return Error::NONE;
}

void Device::adopt_(uint32_t cursor) {
  // What the old key protected goes, whatever comes between: the log first, the key last.
  this->log_ring_.erase();
  for (size_t place = 0; place < this->capacity_; place++)
    this->store_.save(place, Event{});
  this->memory_.next_id = cursor + 1;
  this->memory_.shown = cursor;
  this->memory_.key = this->offered_key_;
  this->memory_.has_key = true;
  this->store_.save(this->memory_);
  this->setup_until_ = 0;
  this->offered_ = false;
}

Device::Error Device::sealed_(uint64_t now) {
  uint8_t plain[MAX_MESSAGE], nonce[13] = {'H'};
  put<4>(nonce + 1, this->heard_);
  const size_t size = this->incoming_size_ - 1;
  if (!this->crypto_.open(this->session_key_.data(), nonce, this->incoming_.data() + 1, size, TAG, plain) || size <= TAG)
    return Error::WRONG_KEY;
  this->heard_++;
  uint8_t content[MAX_MESSAGE - TAG - 1], message[MAX_MESSAGE];
  Error error = Error::NONE;
  size_t length = this->request_(plain, size - TAG, now, content, &error);
  if (error != Error::NONE) {
    content[0] = 0x7F;
    content[1] = static_cast<uint8_t>(error);
    length = 2;
  }
  nonce[0] = 'D';
  put<4>(nonce + 1, this->sent_++);
  message[0] = 0x10;
  this->crypto_.seal(this->session_key_.data(), nonce, content, length, TAG, message + 1);
  this->send_(message, 1 + length + TAG);
  return Error::NONE;
}

size_t Device::request_(const uint8_t *plain, size_t size, uint64_t now, uint8_t *out, Error *error) {
  const uint8_t *body = plain + 1;
  size--;
  if (plain[0] == 0x20) {
    out[0] = 0x21;
    return 1 + this->status_(now, out + 1);
  }
  if (plain[0] == 0x22) {
    out[0] = 0x23;
    put<6>(put<2>(out + 1, this->memory_.boot), now);
    return 9;
  }
  if (plain[0] == 0x24 && size >= 16) {
    out[0] = 0x26;
    *error = this->anchor_(body);
    return 1;
  }
  if (plain[0] == 0x25 && size >= 1) {
    out[0] = 0x26;
    this->identify_until_ = now + body[0] * 1000ULL;
    return 1;
  }
  if (plain[0] == 0x28 && size >= 6) {
    const auto cursor = static_cast<uint32_t>(get<4>(body));
    if (cursor >= this->memory_.next_id) {
      *error = Error::BEYOND_LOG;
      return 0;
    }
    uint32_t last = 0;
    const size_t room = std::clamp<size_t>(get<2>(body + 4), 21, MAX_PAGE);
    out[0] = 0x29;
    const size_t length = this->log_ring_.page(cursor, this->memory_.next_id, room, out + 1, &last);
    if (last > this->memory_.shown) {
      this->memory_.shown = last;
      this->store_.save(this->memory_);
    }
    return 1 + length;
  }
  if (plain[0] == 0x2A && this->identity_.kind == Kind::BED_NODE) {
    out[0] = 0x2B;
    memcpy(out + 1, this->current_.data(), this->current_.size());
    return 1 + this->current_.size();
  }
  *error = Error::NOT_UNDERSTOOD;
  return 0;
}

size_t Device::status_(uint64_t now, uint8_t *out) {
  this->count_(now);
  const Memory &m = this->memory_;
  uint8_t *to = out;
  *to++ = this->battery_ < 0 ? MISSING : static_cast<uint8_t>(this->battery_);
  to = put<2>(to, this->millivolts_);
  *to++ = this->flags_(now);
  to = put<4>(to, this->counter_);
  to = put<4>(to, m.next_id - 1);
  to = put<4>(to, this->log_ring_.oldest(m.next_id));
  to = put<2>(to, m.boot);
  to = put<6>(to, now);
  memcpy(to, this->identity_.firmware.data(), 3);
  to = put<2>(to + 3, this->identity_.tolerance_ppm);
  *to++ = m.anchor_count;
  for (size_t i = 0; i < m.anchor_count; i++)
    to = put<2>(put<6>(put<6>(put<2>(to, m.anchors[i].boot), m.anchors[i].ticks), m.anchors[i].utc_ms),
                m.anchors[i].error_ms);
  *to++ = m.end_count;
  for (size_t i = 0; i < m.end_count; i++)
    to = put<6>(put<2>(to, m.ends[i].boot), m.ends[i].ticks);
  return to - out;
}

Device::Error Device::anchor_(const uint8_t *body) {
  Memory &m = this->memory_;
  Anchor fresh;
  fresh.boot = static_cast<uint16_t>(get<2>(body));
  fresh.ticks = get<6>(body + 2);
  fresh.utc_ms = get<6>(body + 8);
  fresh.error_ms = static_cast<uint16_t>(get<2>(body + 14));
  if (fresh.boot != m.boot)
    return Error::NOT_UNDERSTOOD;
  // The two newest of earlier boots, the first of this one, and the newest.
  std::array<Anchor, 4> kept{};
  uint8_t count = 0;
  for (int pass = 0; pass < 2; pass++) {
    uint8_t of_pass = 0;
    for (size_t i = 0; i < m.anchor_count; i++)
      of_pass += (m.anchors[i].boot == m.boot) == (pass == 1);
    uint8_t skip = pass == 0 && of_pass > 2 ? of_pass - 2 : 0;
    const uint8_t most = pass == 0 ? 2 : 1;
    uint8_t taken = 0;
    for (size_t i = 0; i < m.anchor_count && taken < most; i++) {
      if ((m.anchors[i].boot == m.boot) != (pass == 1))
        continue;
      if (skip > 0) {
        skip--;
        continue;
      }
      kept[count++] = m.anchors[i];
      taken++;
    }
  }
  kept[count++] = fresh;
  m.anchors = kept;
  m.anchor_count = count;
  this->store_.save(m);
  return Error::NONE;
}

}  // namespace smartloop::ble
