// What a bed's load or pressure says, plain C++ so that it is tested on any computer: somebody is in it,
// how much they move, how fast they breathe. Samples come at about 10 Hz, already scaled.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace smartloop {

class BedMonitor {
 public:
  static constexpr size_t RATE_HZ = 10;
  static constexpr size_t WINDOW = 40 * RATE_HZ;  // 40 s hold four breaths of a slow sleeper
  static constexpr float BREATH_MIN_HZ = 0.10f;   // 6 per minute
  static constexpr float BREATH_MAX_HZ = 0.50f;   // 30 per minute

  // `load` above the empty bed that means a person, and the step between two samples that means moving,
  // both in the caller's unit (kg for load cells, volts for a strip).
  BedMonitor(float occupied_above, float moving_above)
      : occupied_above_(occupied_above), moving_above_(moving_above) {}

  void set_empty(float load) { this->empty_ = load; }
  float empty() const { return this->empty_; }

  void add(float load) {
    if (!std::isfinite(load))
      return;
    if (this->count_ == 0)
      this->slow_ = load;
    const float step = std::fabs(load - this->last_);
    this->last_ = load;
    this->samples_[this->next_] = load;
    this->next_ = (this->next_ + 1) % WINDOW;
    if (this->count_ < WINDOW)
      this->count_++;
    this->slow_ += (load - this->slow_) / (2.0f * RATE_HZ);

    const float above = this->slow_ - this->empty_;
    // Leaving is believed at half the weight that arriving needs: no flutter at the edge of the mattress.
    const bool wanted = above > (this->occupied_ ? 0.5f : 1.0f) * this->occupied_above_;
    this->agreed_ = wanted == this->occupied_ ? 0 : this->agreed_ + 1;
    if (this->agreed_ >= 3 * RATE_HZ) {
      this->occupied_ = wanted;
      this->agreed_ = 0;
    }
    // Mattresses creep and blankets are added: an empty bed's zero follows, a person never is the zero.
    if (!this->occupied_ && this->agreed_ == 0)
      this->empty_ += (load - this->empty_) / (600.0f * RATE_HZ);

    const bool moving = step > this->moving_above_;
    this->minute_samples_++;
    this->minute_moving_ += moving;
    this->quiet_ = moving ? 0 : this->quiet_ + 1;
  }

  bool occupied() const { return this->occupied_; }
  float above_empty() const { return this->slow_ - this->empty_; }

  // Share of samples with movement since the last call, 0-1; NaN without samples.
  float take_motion() {
    const float share = this->minute_samples_ ? static_cast<float>(this->minute_moving_) / this->minute_samples_ : NAN;
    this->minute_samples_ = this->minute_moving_ = 0;
    return share;
  }

  // Breaths per minute, or NaN: nobody there, moved lately, or no clear rhythm.
  float breathing() const {
    if (!this->occupied_ || this->count_ < WINDOW || this->quiet_ < WINDOW)
      return NAN;
    // Mean of two seconds away: what is left is faster than posture and slower than noise.
    std::array<float, WINDOW> x{};
    float energy = 0;
    constexpr size_t half = 5 * RATE_HZ;
    for (size_t i = 0; i < WINDOW; i++) {
      const size_t from = i < half ? 0 : i - half;
      const size_t to = i + half >= WINDOW ? WINDOW - 1 : i + half;
      float fast = 0, slow = 0;
      size_t near = 0;
      for (size_t j = from; j <= to; j++) {
        slow += this->at_(j);
        if (j + 2 >= i && j <= i + 2) {
          fast += this->at_(j);
          near++;
        }
      }
      x[i] = fast / near - slow / (to - from + 1);
      energy += x[i] * x[i];
    }
    if (energy <= 0)
      return NAN;
    constexpr size_t first = static_cast<size_t>(RATE_HZ / BREATH_MAX_HZ);
    constexpr size_t last = static_cast<size_t>(RATE_HZ / BREATH_MIN_HZ);
    std::array<float, last + 2> r{};
    for (size_t lag = first - 1; lag <= last + 1; lag++) {
      float sum = 0, head = 0, tail = 0;
      for (size_t i = lag; i < WINDOW; i++) {
        sum += x[i] * x[i - lag];
        head += x[i] * x[i];
        tail += x[i - lag] * x[i - lag];
      }
      r[lag] = sum / std::sqrt(head * tail + 1e-12f);
    }
    float best = 0;
    for (size_t lag = first; lag <= last; lag++)
      if (r[lag] > r[lag - 1] && r[lag] >= r[lag + 1] && r[lag] > best)
        best = r[lag];
    if (best < 0.5f)
      return NAN;
    // Two periods fit as well as one: the first peak nearly as high is the breath.
    for (size_t lag = first; lag <= last; lag++) {
      if (r[lag] <= r[lag - 1] || r[lag] < r[lag + 1] || r[lag] < 0.85f * best)
        continue;
      const float bend = r[lag - 1] - 2 * r[lag] + r[lag + 1];
      const float shift = bend < 0 ? 0.5f * (r[lag - 1] - r[lag + 1]) / bend : 0.0f;
      return 60.0f * RATE_HZ / (lag + shift);
    }
    return NAN;
  }

 private:
  float at_(size_t i) const { return this->samples_[(this->next_ + i) % WINDOW]; }

  float occupied_above_, moving_above_;
  float empty_{0}, slow_{0}, last_{0};
  std::array<float, WINDOW> samples_{};
  size_t next_{0}, count_{0}, agreed_{0}, quiet_{0};
  uint32_t minute_samples_{0}, minute_moving_{0};
  bool occupied_{false};
};

}  // namespace smartloop
