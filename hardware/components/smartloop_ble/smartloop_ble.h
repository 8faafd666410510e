#pragma once

#include "esphome/core/defines.h"

#ifdef USE_ESP32

#include <cmath>
#include <deque>
#include <memory>
#include <vector>

#include <esp_gap_ble_api.h>
#include <esp_gatts_api.h>

#include "device.h"
#include "esphome/components/binary_sensor/binary_sensor.h"
#include "esphome/components/esp32_ble/ble.h"
#include "esphome/components/esp32_ble_server/ble_server.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/core/automation.h"
#include "esphome/core/component.h"
#include "esphome/core/preferences.h"

namespace esphome::smartloop_ble {

namespace wire = ::smartloop::ble;

/// The radio and the flash of a `smartloop::ble::Device`.
class SmartLoopBLE final : public Component, public wire::Store, public wire::Link {
 public:
  void setup() override;
  void loop() override;
  void dump_config() override;
  float get_setup_priority() const override { return setup_priority::AFTER_BLUETOOTH; }

  void set_kind(wire::Kind kind) { this->identity_.kind = kind; }
  void set_key(const std::array<uint8_t, 16> &key) {
    this->first_key_ = key;
    this->has_first_key_ = true;
  }
  void set_capacity(size_t capacity) { this->capacity_ = capacity; }
  void set_tolerance(uint16_t ppm) { this->identity_.tolerance_ppm = ppm; }
  void set_battery(sensor::Sensor *source) {
    source->add_on_state_callback([this](float percent) { this->percent_ = std::isfinite(percent) ? static_cast<int>(percent + 0.5f) : -1; });
  }
  void set_battery_voltage(sensor::Sensor *source) {
    source->add_on_state_callback([this](float volt) { this->millivolts_ = std::isfinite(volt) ? static_cast<uint16_t>(volt * 1000) : 0; });
  }
  void set_setup_button(binary_sensor::BinarySensor *source) {
    source->add_on_state_callback([this](bool held) {
      if (held && this->device_ != nullptr)
        this->device_->hold_button(now_());
    });
  }
  Trigger<> *get_identify_trigger() { return &this->identify_; }

  /// A puff as `smartloop_sleeve` gives it.
  template<typename PUFF> void puff(const PUFF &puff, float step_s) {
    wire::PuffFigures figures;
    figures.shake_s = puff.shake_s;
    figures.tilt_deg = puff.tilt_deg;
    figures.peak_flow_lpm = puff.peak_flow_lpm;
    figures.samples = puff.samples;
    figures.envelope = puff.envelope;
    figures.envelope_step_s = step_s;
    figures.test = puff.test;
    if (this->device_ != nullptr)
      this->device_->puff(figures, now_());
  }
  void epoch(const wire::EpochFigures &figures) {
    if (this->device_ != nullptr)
      this->device_->epoch(figures, now_());
  }
  void happened(wire::LastEvent event) {
    if (this->device_ != nullptr)
      this->device_->happened(event);
  }
  /// True while somebody is connected or may be about to, or something waits to be sent: no time to fall asleep.
  bool busy() const;

  void gap_event_handler(esp_gap_ble_cb_event_t event, esp_ble_gap_cb_param_t *param);
  void gatts_event_handler(esp_gatts_cb_event_t event, esp_gatt_if_t gatts_if, esp_ble_gatts_cb_param_t *param);

  void save(const wire::Memory &memory) override;
  void save(size_t place, const wire::Event &event) override;
  void notify(const uint8_t *data, size_t size) override { this->outgoing_.emplace_back(data, data + size); }

 protected:
  static uint64_t now_();
  void make_service_();

  wire::Identity identity_{};
  wire::Memory memory_{};
  std::array<uint8_t, 16> first_key_{};
  bool has_first_key_{false};
  size_t capacity_{500};
  std::vector<wire::Event> ring_;
  std::unique_ptr<wire::Device> device_;
  ESPPreferenceObject memory_preference_;
  std::vector<ESPPreferenceObject> event_preferences_;

  esp32_ble_server::BLEService *service_{nullptr};
  esp32_ble_server::BLECharacteristic *info_{nullptr};
  esp32_ble_server::BLECharacteristic *control_{nullptr};
  esp32_ble_server::BLECharacteristic *data_{nullptr};
  std::deque<std::vector<uint8_t>> outgoing_;
  std::array<uint8_t, wire::ADVERT_SIZE> on_air_{};
  uint64_t noted_at_{0};
  uint64_t heard_at_{0};
  uint32_t checked_at_{0};
  int percent_{-1};
  uint16_t millivolts_{0};
  bool was_identifying_{false};
  Trigger<> identify_;
};

}  // namespace esphome::smartloop_ble

#endif  // USE_ESP32
