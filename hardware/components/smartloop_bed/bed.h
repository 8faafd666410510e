#pragma once

#include <cmath>

#include "bed_monitor.h"
#include "esphome/components/binary_sensor/binary_sensor.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/core/automation.h"
#include "esphome/core/component.h"
#include "esphome/core/helpers.h"
#include "esphome/core/log.h"
#include "esphome/core/preferences.h"

namespace esphome::smartloop_bed {

/// Carries load samples to the monitor, and once a minute what it found to its sensors.
class Bed final : public Component {
 public:
  Bed(float occupied_above, float moving_above) : monitor_(occupied_above, moving_above) {}

  void set_load(sensor::Sensor *source) {
    source->add_on_state_callback([this](float load) {
      this->last_ = load;
      this->monitor_.add(load);
      // The binary sensor itself tells only of changes.
      this->in_bed_->publish_state(this->monitor_.occupied());
    });
  }
  void set_in_bed(binary_sensor::BinarySensor *target) { this->in_bed_ = target; }
  void set_motion(sensor::Sensor *target) { this->motion_ = target; }
  void set_breathing(sensor::Sensor *target) { this->breathing_ = target; }
  Trigger<bool, float, float> *get_minute_trigger() { return &this->minute_; }

  /// What is weighed now is the empty bed.
  void tare() {
    if (std::isnan(this->last_))
      return;
    this->monitor_.set_empty(this->last_);
    this->save_();
  }

  void setup() override {
    this->saved_ = global_preferences->make_preference<float>(fnv1_hash("smartloop.bed.empty"), true);
    float empty;
    if (this->saved_.load(&empty) && std::isfinite(empty))
      this->monitor_.set_empty(empty);
    this->set_interval("minute", 60000, [this]() {
      const float motion = this->monitor_.take_motion();
      const float breathing = this->monitor_.breathing();
      this->motion_->publish_state(motion);
      this->breathing_->publish_state(breathing);
      this->minute_.trigger(this->monitor_.occupied(), motion, breathing);
    });
    // Creep is slow; flash lives longer when it is written four times a day.
    this->set_interval("save", 6 * 3600 * 1000, [this]() { this->save_(); });
  }
  void dump_config() override { ESP_LOGCONFIG("smartloop_bed", "Bed: empty at %.2f", this->monitor_.empty()); }

 protected:
  void save_() {
    const float empty = this->monitor_.empty();
    this->saved_.save(&empty);
  }

  ::smartloop::BedMonitor monitor_;
  ESPPreferenceObject saved_;
  binary_sensor::BinarySensor *in_bed_{nullptr};
  sensor::Sensor *motion_{nullptr};
  sensor::Sensor *breathing_{nullptr};
  Trigger<bool, float, float> minute_;
  float last_{NAN};
};

}  // namespace esphome::smartloop_bed
