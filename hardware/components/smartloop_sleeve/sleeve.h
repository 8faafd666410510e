#pragma once

#include "esphome/components/binary_sensor/binary_sensor.h"
#include "esphome/components/motion/motion_component.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/core/automation.h"
#include "esphome/core/component.h"
#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#include "puff_detector.h"

namespace esphome::smartloop_sleeve {

/// Carries the sensors' values to the detector and its puffs to the automation.
class Sleeve final : public Component {
 public:
  float get_setup_priority() const override { return setup_priority::DATA; }

  void set_motion(motion::MotionComponent *source) {
    source->add_listener([this](const motion::MotionData &data) {
      const auto &a = data.acceleration;
      this->detector_.motion(millis(), a[motion::X_AXIS], a[motion::Y_AXIS], a[motion::Z_AXIS]);
    });
  }
  void set_cap(binary_sensor::BinarySensor *source) {
    source->add_on_state_callback([this](bool off) { this->detector_.cap(off); });
    this->cap_ = source;
  }
  void set_pressed(binary_sensor::BinarySensor *source) {
    this->detector_.set_has_switch(true);
    source->add_on_state_callback([this](bool pressed) {
      if (pressed)
        this->detector_.pressed(millis());
    });
  }
  void set_differential_pressure(sensor::Sensor *source, float factor) {
    this->detector_.set_has_flow(true);
    source->add_on_state_callback([this, factor](float pascal) {
      this->detector_.flow(millis(), ::smartloop::orifice_flow_lpm(pascal, factor));
    });
  }
  Trigger<::smartloop::Puff> *get_puff_trigger() { return &this->trigger_; }

  void setup() override {
    // Awake because the cap came off: the switch has changed already.
    if (this->cap_->has_state())
      this->detector_.cap(this->cap_->state);
  }
  void loop() override {
    ::smartloop::Puff puff;
    if (this->detector_.take(millis(), puff))
      this->trigger_.trigger(puff);
  }
  void dump_config() override { ESP_LOGCONFIG("smartloop_sleeve", "Inhaler sleeve"); }

  /// True while a puff is being recorded: no time to fall asleep.
  bool busy() const { return this->detector_.busy(); }

 protected:
  ::smartloop::PuffDetector detector_;
  binary_sensor::BinarySensor *cap_{nullptr};
  Trigger<::smartloop::Puff> trigger_;
};

}  // namespace esphome::smartloop_sleeve
