#include "records.h"

#include <algorithm>
#include <cstring>

namespace smartloop::ble {

uint8_t quantized(float value, float unit, uint8_t top) {
  if (!std::isfinite(value))
    return MISSING;
  // Through float, as 5.2 in tenths is 52 and not 51.99.
  const float steps = std::nearbyint(value / unit);
  return static_cast<uint8_t>(std::clamp(steps, 0.0f, static_cast<float>(top)));
}

size_t pack(const PuffFigures &puff, uint8_t body[MAX_BODY]) {
  const size_t samples = std::min(puff.samples, MAX_ENVELOPE);
  body[0] = puff.test ? 1 : 0;
  body[1] = quantized(puff.shake_s, 0.1f);
  body[2] = quantized(puff.tilt_deg, 1, 180);
  body[3] = quantized(puff.peak_flow_lpm, 2);
  body[4] = samples > 0 ? quantized(puff.envelope_step_s, 0.01f) : 0;
  body[5] = static_cast<uint8_t>(samples);
  for (size_t i = 0; i < samples; i++)
    body[6 + i] = quantized(puff.envelope[i], 2);
  return 6 + samples;
}

size_t pack(const EpochFigures &epoch, uint8_t body[MAX_BODY]) {
  body[0] = quantized(epoch.duration_s, 10);
  body[1] = epoch.occupied == 0 || epoch.occupied == 1 ? static_cast<uint8_t>(epoch.occupied) : MISSING;
  body[2] = quantized(epoch.heart_rate, 1);
  body[3] = quantized(epoch.respiratory_rate, 0.25f);
  body[4] = quantized(epoch.motion, 0.005f, 200);
  body[5] = quantized(epoch.quality, 0.01f, 100);
  return 6;
}

const Event &Log::add(uint32_t id, EventType type, uint16_t boot, uint64_t ticks, const uint8_t *body, size_t size) {
  Event &event = this->events_[this->place(id)];
  event.id = id;
  event.boot = boot;
  event.type = static_cast<uint8_t>(type);
  event.size = static_cast<uint8_t>(std::min(size, MAX_BODY));
  event.ticks = ticks;
  event.body.fill(0);
  memcpy(event.body.data(), body, event.size);
  return event;
}

void Log::erase() {
  for (size_t i = 0; i < this->capacity_; i++)
    this->events_[i] = Event{};
}

uint32_t Log::oldest(uint32_t next) const {
  // What lies behind a hole (a page of flash that did not survive) is told as lost.
  uint32_t oldest = next;
  while (oldest > 1 && next - oldest < this->capacity_ && this->events_[this->place(oldest - 1)].id == oldest - 1)
    oldest--;
  return oldest;
}

size_t Log::page(uint32_t cursor, uint32_t next, size_t room, uint8_t *out, uint32_t *last) const {
  const uint32_t oldest = this->oldest(next);
  const uint32_t first = std::min(std::max(cursor + 1, oldest), next);
  const Event *base = first < next ? &this->events_[this->place(first)] : nullptr;
  uint8_t *to = out + 21;
  uint8_t count = 0;
  for (uint32_t id = first; base != nullptr && id < next; id++) {
    const Event &event = this->events_[this->place(id)];
    const uint64_t later = event.ticks - base->ticks;
    if (event.boot != base->boot || later >> 32 != 0 || count == 0xFF ||
        static_cast<size_t>(to - out) + 6 + event.size > room)
      break;
    *to++ = event.type;
    *to++ = event.size;
    to = put<4>(to, later);
    memcpy(to, event.body.data(), event.size);
    to += event.size;
    count++;
  }
  uint8_t *head = put<4>(out, first);
  *head++ = count;
  head = put<4>(head, oldest);
  head = put<4>(head, next - 1);
  head = put<2>(head, base != nullptr ? base->boot : 0);
  put<6>(head, base != nullptr ? base->ticks : 0);
  *last = first + count - 1;
  return to - out;
}

}  // namespace smartloop::ble
