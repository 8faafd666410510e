// From an inhaler's movements to one record per actuation, plain C++: no ESPHome, no hardware, so that it
// is tested on any computer (tests/hardware/firmware). Feed it every sample of the IMU (50-104 Hz), every
// change of the cap switch and every flow sample; it hands out a Puff when one is complete.
//
// What it looks for, in a pressurized metered dose inhaler held in a sleeve:
//   shaking    - acceleration beyond gravity, between 2 and 6 Hz: sliding standard deviation over SHAKE_G
//   upright    - the angle between gravity and the canister's axis (sensor z, upwards), from a low-pass
//   actuation  - the canister travels 2-4 mm and hits its stop: a jerk above JOLT_G within 40 ms while the
//                sleeve is otherwise held still, with the cap off; or the actuation switch where there is one
//   inhalation - differential pressure over the mouthpiece's vent, as flow, from the actuation on
// A fall, a shake and a bump in a pocket are no actuations: the cap is on, it is shaken, or it weighs
// nothing for a moment first.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace smartloop {

struct Puff {
  uint32_t at_ms{0};
  float shake_s{NAN};        // of the 15 s before
  float tilt_deg{NAN};       // 0 upright, 180 upside down
  float peak_flow_lpm{NAN};  // NaN without a flow sensor
  uint8_t samples{0};        // of the envelope
  std::array<float, 32> envelope{};  // L/min, every ENVELOPE_STEP_MS from the actuation on
  bool test{false};          // sprayed into the air: nobody inhaled, where flow is measured
};

class PuffDetector {
 public:
  static constexpr uint32_t SHAKE_WINDOW_MS = 15000;
  static constexpr uint32_t ENVELOPE_STEP_MS = 150;
  static constexpr uint32_t REFRACTORY_MS = 1500;  // one press gives two jolts: down and back
  static constexpr uint32_t CONFIRM_MS = 400;      // after the jolt it must become still again
  static constexpr uint32_t RECORD_MS = 32 * ENVELOPE_STEP_MS;
  static constexpr float JOLT_G = 0.9f;
  static constexpr float SHAKE_G = 0.35f;
  static constexpr float FALL_G = 0.45f;
  static constexpr uint32_t FALL_MS = 80;
  static constexpr float INHALED_LPM = 6.0f;

  // A board with an actuation switch or force sensor under the canister says so: jolts alone then decide nothing.
  void set_has_switch(bool has_switch) { this->has_switch_ = has_switch; }
  void set_has_flow(bool has_flow) { this->has_flow_ = has_flow; }

  void cap(bool off) { this->cap_off_ = off; }
  bool busy() const { return this->state_ != State::IDLE; }

  // `pressed` is the switch under the canister.
  void pressed(uint32_t now) {
    if (this->has_switch_ && this->cap_off_ && this->ready_(now))
      this->begin_(now, State::RECORDING);
  }

  void flow(uint32_t now, float lpm) {
    if (this->state_ == State::IDLE || !std::isfinite(lpm))
      return;
    lpm = std::max(lpm, 0.0f);
    const uint32_t slot = (now - this->puff_.at_ms) / ENVELOPE_STEP_MS;
    if (slot >= this->puff_.envelope.size())
      return;
    // The highest of a slot; slots without a sample stay NaN.
    auto &kept = this->puff_.envelope[slot];
    kept = std::isnan(kept) ? lpm : std::max(kept, lpm);
    this->puff_.samples = std::max<uint8_t>(this->puff_.samples, slot + 1);
    this->puff_.peak_flow_lpm = std::isnan(this->puff_.peak_flow_lpm) ? lpm : std::max(this->puff_.peak_flow_lpm, lpm);
  }

  // One sample of acceleration in g, sensor z along the canister, upwards when held as it should be.
  void motion(uint32_t now, float x, float y, float z) {
    if (!std::isfinite(x) || !std::isfinite(y) || !std::isfinite(z))
      return;
    const float size = std::sqrt(x * x + y * y + z * z);
    const uint32_t since = this->started_ ? now - this->last_ms_ : 0;
    if (!this->started_ || since > 500) {
      this->gravity_ = {x, y, z};
      this->last_ = {x, y, z};
      this->rough_ = 0;
      this->started_ = true;
    }
    this->last_ms_ = now;
    const float dt = std::min(since, 100u) / 1000.0f;

    // How much it moves beyond gravity, over about 0.3 s.
    const float dynamic = size - 1.0f;
    this->rough_ += (dynamic * dynamic - this->rough_) * std::min(1.0f, dt / 0.30f);
    const float movement = std::sqrt(std::max(this->rough_, 0.0f));
    // A jolt weighs nothing for a sample, a fall from a table for a third of a second.
    this->weightless_ms_ = size < FALL_G ? this->weightless_ms_ + since : 0;
    if (this->weightless_ms_ >= FALL_MS) {
      this->fell_ms_ = now;
      this->ever_fell_ = true;
    }

    // Gravity's direction: slow while it moves, quicker while it is held.
    const float share = std::min(1.0f, dt / (movement > SHAKE_G ? 1.5f : 0.25f));
    for (size_t i = 0; i < 3; i++)
      this->gravity_[i] += ((i == 0 ? x : i == 1 ? y : z) - this->gravity_[i]) * share;

    this->note_shaking_(now, movement > SHAKE_G, since);
    const float jolt = this->jolt_(x, y, z);
    this->last_ = {x, y, z};

    switch (this->state_) {
      case State::IDLE:
        if (!this->has_switch_ && this->cap_off_ && jolt > JOLT_G && this->calm_ms_ >= 150 && this->ready_(now) &&
            !(this->ever_fell_ && now - this->fell_ms_ < 1000))
          this->begin_(now, State::CONFIRMING);
        break;
      case State::CONFIRMING:
        // Shaking begins with a jolt, too; an actuation is over at once.
        if (now - this->puff_.at_ms >= CONFIRM_MS)
          this->state_ = movement < SHAKE_G ? State::RECORDING : State::IDLE;
        break;
      case State::RECORDING:
        break;
    }
    // Calm long enough before the jolt; measured after it was judged, so that the jolt is not its own witness.
    this->calm_ms_ = movement < SHAKE_G ? std::min<uint32_t>(this->calm_ms_ + since, 60000) : 0;
  }

  // True, once, when a puff is complete. Call it in every loop.
  bool take(uint32_t now, Puff &out) {
    if (this->state_ != State::RECORDING || now - this->puff_.at_ms < RECORD_MS)
      return false;
    this->state_ = State::IDLE;
    if (this->has_flow_)
      this->puff_.test = !(this->puff_.peak_flow_lpm >= INHALED_LPM);
    out = this->puff_;
    return true;
  }

  float shaken_s(uint32_t now) const {
    uint32_t sum = 0;
    for (const auto &each : this->shaken_)
      if (each.second != UINT32_MAX && now / 1000 - each.second < SHAKE_WINDOW_MS / 1000)
        sum += each.ms;
    return sum / 1000.0f;
  }

  // Degrees between the canister's axis and the vertical; NaN before the first sample.
  float tilt_deg() const {
    const auto &g = this->gravity_;
    const float size = std::sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2]);
    if (!this->started_ || size < 0.3f)
      return NAN;
    return std::acos(std::clamp(g[2] / size, -1.0f, 1.0f)) * 57.29578f;
  }

 private:
  enum class State : uint8_t { IDLE, CONFIRMING, RECORDING };
  struct Second {
    uint32_t second{UINT32_MAX};
    uint32_t ms{0};
  };

  bool ready_(uint32_t now) const {
    return this->state_ == State::IDLE && (!this->ever_puffed_ || now - this->puff_.at_ms >= REFRACTORY_MS);
  }

  void begin_(uint32_t now, State state) {
    this->puff_ = Puff{};
    this->puff_.envelope.fill(NAN);
    this->puff_.at_ms = now;
    this->puff_.shake_s = this->shaken_s(now);
    this->puff_.tilt_deg = this->tilt_deg();
    this->ever_puffed_ = true;
    this->state_ = state;
  }

  float jolt_(float x, float y, float z) const {
    const float dx = x - this->last_[0], dy = y - this->last_[1], dz = z - this->last_[2];
    return std::sqrt(dx * dx + dy * dy + dz * dz);
  }

  // Shaking lasts while it is rough for a quarter of a second at least: an actuation's jolt is no shaking.
  void note_shaking_(uint32_t now, bool rough, uint32_t since) {
    this->rough_ms_ = rough ? this->rough_ms_ + since : 0;
    if (!rough || this->rough_ms_ < 350)
      return;
    const uint32_t add = this->rough_ms_ - since < 350 ? this->rough_ms_ : since;
    auto &slot = this->shaken_[now / 1000 % this->shaken_.size()];
    if (slot.second != now / 1000)
      slot = {now / 1000, 0};
    slot.ms += add;
  }

  State state_{State::IDLE};
  Puff puff_{};
  std::array<float, 3> gravity_{}, last_{};
  std::array<Second, SHAKE_WINDOW_MS / 1000> shaken_{};
  uint32_t last_ms_{0}, fell_ms_{0}, calm_ms_{0}, rough_ms_{0}, weightless_ms_{0};
  float rough_{0};
  bool started_{false}, cap_off_{false}, has_switch_{false}, has_flow_{false}, ever_puffed_{false}, ever_fell_{false};
};

// Flow through a sharp-edged orifice: Q = K * sqrt(dp). K is found with the calibration of the README.
inline float orifice_flow_lpm(float pascal, float lpm_per_sqrt_pa) {
  return pascal <= 0.0f ? 0.0f : lpm_per_sqrt_pa * std::sqrt(pascal);
}

}  // namespace smartloop
