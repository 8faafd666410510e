#include "bthome_broadcast.h"

#ifdef USE_ESP32

#include <algorithm>
#include <cmath>
#include <cstring>

#include <esp_attr.h>

#include "esphome/components/ble_device_base/ble_aes_ccm.h"
#include "esphome/core/application.h"
#include "esphome/core/hal.h"
#include "esphome/core/helpers.h"
#include "esphome/core/log.h"

namespace esphome::bthome_broadcast {

static const char *const TAG = "bthome_broadcast";

// The counter may never be used twice with one key, and receivers refuse one that falls. It lives in
// memory that survives deep sleep; flash only learns, every RESERVE adverts, how far it may have come.
static constexpr uint32_t RESERVE = 256;
RTC_DATA_ATTR static uint32_t counter = 0;
RTC_DATA_ATTR static uint32_t counter_limit = 0;

void BThomeBroadcast::setup() {
  this->reserved_ = global_preferences->make_preference<uint32_t>(fnv1_hash("smartloop.bthome.counter"), true);
  if (counter_limit == 0) {  // power was gone
    uint32_t saved = 0;
    this->reserved_.load(&saved);
    counter = counter_limit = saved;
  }
  esp32_ble::global_ble->advertising_register_raw_advertisement_callback([this](bool advertise) {
    this->shouting_ = advertise;
    if (!advertise)
      return;
    uint8_t answer[2 + 20];
    const size_t length = std::min<size_t>(strlen(this->name_), 20);
    answer[0] = static_cast<uint8_t>(1 + length);
    answer[1] = 0x09;  // complete local name
    memcpy(answer + 2, this->name_, length);
    esp_ble_gap_config_scan_rsp_data_raw(answer, 2 + length);
    esp_ble_gap_config_adv_data_raw(this->advert_.data(), this->advert_length_);
  });
}

uint32_t BThomeBroadcast::next_counter_() {
  if (counter >= counter_limit) {
    counter_limit = counter + RESERVE;
    this->reserved_.save(&counter_limit);
    global_preferences->sync();
  }
  return counter++;
}

size_t BThomeBroadcast::measure_(uint8_t id, uint8_t size, float per_unit, bool is_signed) {
  this->measurements_.push_back({{id, size, per_unit, is_signed}, NAN});
  return this->measurements_.size() - 1;
}

#ifdef USE_SENSOR
void BThomeBroadcast::add_sensor(sensor::Sensor *source, uint8_t id, uint8_t size, float per_unit, bool is_signed) {
  const size_t index = this->measure_(id, size, per_unit, is_signed);
  source->add_on_state_callback([this, index](float value) { this->note_(index, value, false); });
}
#endif

#ifdef USE_BINARY_SENSOR
void BThomeBroadcast::add_binary_sensor(binary_sensor::BinarySensor *source, uint8_t id, uint8_t size,
                                        float per_unit, bool is_signed) {
  const size_t index = this->measure_(id, size, per_unit, is_signed);
  // Water does not wait for a thermometer.
  source->add_on_state_callback([this, index](bool value) { this->note_(index, value ? 1.0f : 0.0f, value); });
}
#endif

void BThomeBroadcast::note_(size_t index, float value, bool urgent) {
  auto &known = this->measurements_[index].value;
  if (known == value)
    return;
  known = value;
  this->changed_ = true;
  this->urgent_ |= urgent;
}

bool BThomeBroadcast::complete_() const {
  return std::all_of(this->measurements_.begin(), this->measurements_.end(),
                     [](const Measurement &each) { return std::isfinite(each.value); });
}

void BThomeBroadcast::loop() {
  const uint32_t now = millis();
  if (this->shouting_ && now - this->shouted_at_ >= this->duration_ms_) {
    esp32_ble::global_ble->advertising_stop();
    this->shouting_ = false;
    this->sent_.trigger();
  }
  if (!this->changed_ || !esp32_ble::global_ble->is_active())
    return;
  if (this->urgent_ || (!this->shouting_ && (this->complete_() || now >= this->patience_ms_)))
    this->shout_();
}

void BThomeBroadcast::shout_() {
  smartloop::bthome::Packet packet(this->trigger_based_);
  for (const auto &each : this->measurements_)
    packet.add(each.type, each.value);
  this->changed_ = this->urgent_ = false;
  if (packet.empty())
    return;
  uint8_t mac[6];
  esp32_ble::global_ble->get_mac_msb_first(mac);
  this->advert_length_ = packet.seal(this->key_.data(), mac, this->next_counter_(),
                                     ble_device_base::aes128_encrypt_block, this->advert_.data());
  this->shouted_at_ = millis();
  if (this->shouting_) {
    esp_ble_gap_config_adv_data_raw(this->advert_.data(), this->advert_length_);
  } else {
    this->shouting_ = true;
    esp32_ble::global_ble->advertising_start();
  }
}

void BThomeBroadcast::gap_event_handler(esp_gap_ble_cb_event_t event, esp_ble_gap_cb_param_t *param) {
  if (!this->shouting_ || event != ESP_GAP_BLE_ADV_DATA_RAW_SET_COMPLETE_EVT)
    return;
  esp_ble_adv_params_t params{};
  params.adv_int_min = params.adv_int_max = static_cast<uint16_t>(this->interval_ms_ / 0.625f);
  params.adv_type = ADV_TYPE_SCAN_IND;  // nobody connects; the name is told to those who ask
  params.own_addr_type = BLE_ADDR_TYPE_PUBLIC;
  params.channel_map = ADV_CHNL_ALL;
  params.adv_filter_policy = ADV_FILTER_ALLOW_SCAN_ANY_CON_ANY;
  const esp_err_t err = esp_ble_gap_start_advertising(&params);
  if (err != ESP_OK)
    ESP_LOGE(TAG, "Advertising did not start: %s", esp_err_to_name(err));
}

void BThomeBroadcast::dump_config() {
  ESP_LOGCONFIG(TAG, "BTHome broadcast as %s: %u measurements, %u ms every %u ms", this->name_,
                static_cast<unsigned>(this->measurements_.size()), static_cast<unsigned>(this->duration_ms_),
                static_cast<unsigned>(this->interval_ms_));
}

}  // namespace esphome::bthome_broadcast

#endif  // USE_ESP32
