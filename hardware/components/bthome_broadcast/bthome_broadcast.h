#pragma once

#include "esphome/core/defines.h"

#ifdef USE_ESP32

#include <array>
#include <string>
#include <vector>

#include <esp_gap_ble_api.h>

#include "bthome_packet.h"
#include "esphome/components/esp32_ble/ble.h"
#include "esphome/core/automation.h"
#include "esphome/core/component.h"
#include "esphome/core/preferences.h"
#ifdef USE_BINARY_SENSOR
#include "esphome/components/binary_sensor/binary_sensor.h"
#endif
#ifdef USE_SENSOR
#include "esphome/components/sensor/sensor.h"
#endif

namespace esphome::bthome_broadcast {

class BThomeBroadcast final : public Component {
 public:
  void setup() override;
  void loop() override;
  void dump_config() override;
  float get_setup_priority() const override { return setup_priority::AFTER_BLUETOOTH; }

  void set_key(const std::array<uint8_t, 16> &key) { this->key_ = key; }
  void set_name(const char *name) { this->name_ = name; }
  void set_trigger_based(bool trigger_based) { this->trigger_based_ = trigger_based; }
  void set_interval(uint32_t ms) { this->interval_ms_ = ms; }
  void set_duration(uint32_t ms) { this->duration_ms_ = ms; }
  void set_patience(uint32_t ms) { this->patience_ms_ = ms; }
#ifdef USE_SENSOR
  void add_sensor(sensor::Sensor *source, uint8_t id, uint8_t size, float per_unit, bool is_signed);
#endif
#ifdef USE_BINARY_SENSOR
  void add_binary_sensor(binary_sensor::BinarySensor *source, uint8_t id, uint8_t size, float per_unit,
                         bool is_signed);
#endif
  Trigger<> *get_sent_trigger() { return &this->sent_; }

  void gap_event_handler(esp_gap_ble_cb_event_t event, esp_ble_gap_cb_param_t *param);

 protected:
  struct Measurement {
    smartloop::bthome::Type type;
    float value;
  };

  size_t measure_(uint8_t id, uint8_t size, float per_unit, bool is_signed);
  void note_(size_t index, float value, bool urgent);
  bool complete_() const;
  void shout_();
  uint32_t next_counter_();

  std::array<uint8_t, 16> key_{};
  const char *name_{""};
  bool trigger_based_{false};
  uint32_t interval_ms_{100};
  uint32_t duration_ms_{1500};
  uint32_t patience_ms_{4000};
  std::vector<Measurement> measurements_;
  std::array<uint8_t, smartloop::bthome::ADVERT_MAX> advert_{};
  size_t advert_length_{0};
  ESPPreferenceObject reserved_;
  Trigger<> sent_;
  uint32_t shouted_at_{0};
  bool shouting_{false};
  bool changed_{false};
  bool urgent_{false};
};

}  // namespace esphome::bthome_broadcast

#endif  // USE_ESP32
