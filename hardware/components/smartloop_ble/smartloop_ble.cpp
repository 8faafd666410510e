#include "smartloop_ble.h"

#ifdef USE_ESP32

#include <algorithm>
#include <cinttypes>

#include <esp_attr.h>
#include <esp_random.h>
#include <esp_rtc_time.h>
#include <esp_system.h>

#include "esphome/components/ble_device_base/ble_aes_ccm.h"
#include "esphome/components/esp32_ble_server/ble_2902.h"
#include "esphome/core/hal.h"
#include "esphome/core/helpers.h"
#include "esphome/core/log.h"

namespace esphome::smartloop_ble {

using namespace esp32_ble;
using namespace esp32_ble_server;

static const char *const TAG = "smartloop_ble";
static const char *const SERVICE_UUID = "d7b40001-e49d-442a-8e79-b89fb412c841";
static const char *const INFO_UUID = "d7b40002-e49d-442a-8e79-b89fb412c841";
static const char *const CONTROL_UUID = "d7b40003-e49d-442a-8e79-b89fb412c841";
static const char *const DATA_UUID = "d7b40004-e49d-442a-8e79-b89fb412c841";
static constexpr uint32_t CHECK_MS = 200;
static constexpr uint64_t NOTE_MS = 10 * 60 * 1000;
static constexpr uint64_t QUIET_MS = 30000;
static constexpr uint64_t CONNECTABLE_MS = 3000;

// Survive deep sleep, not a power cut.
RTC_DATA_ATTR static uint32_t sleeping_counter = 0;
RTC_DATA_ATTR static uint8_t sleeping_event = 0;
RTC_DATA_ATTR static uint64_t booted_ms = 0;

// The RTC goes on through deep sleep, so that a waking is no new boot, and through a reset, which is one.
uint64_t SmartLoopBLE::now_() { return esp_rtc_get_time_us() / 1000 - booted_ms; }

static wire::Cause cause() {
  switch (esp_reset_reason()) {
    case ESP_RST_POWERON:
      return wire::Cause::POWER;
    case ESP_RST_EXT:
      return wire::Cause::BUTTON;
    case ESP_RST_SW:
      return wire::Cause::SOFTWARE;
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT:
    case ESP_RST_PANIC:
      return wire::Cause::WATCHDOG;
    case ESP_RST_BROWNOUT:
      return wire::Cause::LOW_VOLTAGE;
    default:
      return wire::Cause::UNKNOWN;
  }
}

void SmartLoopBLE::setup() {
  global_ble->get_mac_msb_first(this->identity_.address.data());
  std::copy(this->identity_.address.begin(), this->identity_.address.end(), this->identity_.serial.begin() + 2);
  this->identity_.firmware = {1, 0, 0};

  this->memory_preference_ = global_preferences->make_preference<wire::Memory>(fnv1_hash("smartloop.memory"), true);
  if (!this->memory_preference_.load(&this->memory_))
    this->memory_ = wire::Memory{};
  if (!this->memory_.has_key && this->has_first_key_) {
    this->memory_.key = this->first_key_;
    this->memory_.has_key = true;
  }
  this->ring_.resize(this->capacity_);
  this->event_preferences_.reserve(this->capacity_);
  for (size_t place = 0; place < this->capacity_; place++) {
    this->event_preferences_.push_back(
        global_preferences->make_preference<wire::Event>(fnv1_hash("smartloop.event") + place, true));
    if (!this->event_preferences_[place].load(&this->ring_[place]))
      this->ring_[place] = wire::Event{};
  }
  this->device_ = std::make_unique<wire::Device>(
      this->identity_, this->memory_, this->ring_.data(), this->ring_.size(), ble_device_base::aes128_encrypt_block,
      [](uint8_t *out, size_t size) { esp_fill_random(out, size); }, *this);
  if (esp_reset_reason() == ESP_RST_DEEPSLEEP && sleeping_counter != 0) {
    this->device_->woke(sleeping_counter, static_cast<wire::LastEvent>(sleeping_event));
  } else {
    booted_ms = esp_rtc_get_time_us() / 1000;
    this->device_->begin(cause(), 0);
  }

  global_ble_server->on_connect([this](uint16_t) {
    this->outgoing_.clear();
    this->heard_at_ = now_();
    this->device_->connect(23, this);
  });
  global_ble_server->on_disconnect([this](uint16_t) {
    this->outgoing_.clear();
    this->device_->disconnect();
    this->on_air_.fill(0);  // advertising stopped with the connection: begin again
  });
}

void SmartLoopBLE::make_service_() {
  this->service_ = global_ble_server->create_service(ESPBTUUID::from_raw(SERVICE_UUID), false);
  this->info_ = this->service_->create_characteristic(INFO_UUID, BLECharacteristic::PROPERTY_READ);
  this->control_ = this->service_->create_characteristic(CONTROL_UUID, BLECharacteristic::PROPERTY_WRITE);
  this->data_ = this->service_->create_characteristic(DATA_UUID, BLECharacteristic::PROPERTY_NOTIFY);
  this->data_->add_descriptor(new BLE2902());  // NOLINT(cppcoreguidelines-owning-memory): the server keeps it
  this->control_->on_write([this](std::span<const uint8_t> data, uint16_t) {
    this->heard_at_ = now_();
    this->device_->write(data.data(), data.size(), now_());
  });
  global_ble_server->enqueue_start_service(this->service_);
}

void SmartLoopBLE::loop() {
  if (!global_ble->is_active() || !global_ble_server->is_running())
    return;
  if (this->service_ == nullptr)
    this->make_service_();
  // One notification per round: the stack's buffers are few.
  if (!this->outgoing_.empty()) {
    this->data_->set_value(std::move(this->outgoing_.front()));
    this->outgoing_.pop_front();
    this->data_->notify();
  }
  if (millis() - this->checked_at_ < CHECK_MS)
    return;
  this->checked_at_ = millis();
  const uint64_t now = now_();
  this->device_->set_battery(this->percent_, this->millivolts_);
  if (now - this->noted_at_ >= NOTE_MS) {
    this->noted_at_ = now;
    this->device_->note_ticks(now);
  }
  if (this->device_->identifying(now) != this->was_identifying_) {
    this->was_identifying_ = !this->was_identifying_;
    if (this->was_identifying_)
      this->identify_.trigger();
  }
  uint8_t info[wire::INFO_SIZE];
  this->device_->info(now, info);
  this->info_->set_value(std::vector<uint8_t>(info, info + sizeof(info)));
  if (this->device_->connected()) {
    if (now - this->heard_at_ > QUIET_MS)
      esp_ble_gatts_close(global_ble_server->get_gatts_if(), global_ble_server->get_clients()[0]);
    return;
  }
  std::array<uint8_t, wire::ADVERT_SIZE> advert;
  this->device_->advert(now, advert.data());
  sleeping_counter = this->device_->counter();
  sleeping_event = static_cast<uint8_t>(this->device_->last_event());
  if (advert != this->on_air_) {
    this->on_air_ = advert;
    esp_ble_gap_config_adv_data_raw(this->on_air_.data(), this->on_air_.size());
  }
}

bool SmartLoopBLE::busy() const {
  return this->device_ == nullptr || this->device_->connected() || !this->outgoing_.empty() ||
         this->device_->setup_mode(now_()) || millis() < CONNECTABLE_MS;
}

void SmartLoopBLE::gap_event_handler(esp_gap_ble_cb_event_t event, esp_ble_gap_cb_param_t *param) {
  if (event != ESP_GAP_BLE_ADV_DATA_RAW_SET_COMPLETE_EVT || this->device_ == nullptr || this->device_->connected())
    return;
  esp_ble_adv_params_t params{};
  params.adv_int_min = 0x00A0;  // 100 ms
  params.adv_int_max = 0x0640;  // 1 s
  params.adv_type = ADV_TYPE_IND;
  params.own_addr_type = BLE_ADDR_TYPE_PUBLIC;
  params.channel_map = ADV_CHNL_ALL;
  params.adv_filter_policy = ADV_FILTER_ALLOW_SCAN_ANY_CON_ANY;
  const esp_err_t err = esp_ble_gap_start_advertising(&params);
  if (err != ESP_OK)
    ESP_LOGE(TAG, "Advertising did not start: %s", esp_err_to_name(err));
}

void SmartLoopBLE::gatts_event_handler(esp_gatts_cb_event_t event, esp_gatt_if_t gatts_if,
                                       esp_ble_gatts_cb_param_t *param) {
  if (event == ESP_GATTS_MTU_EVT && this->device_ != nullptr)
    this->device_->set_mtu(param->mtu.mtu);
}

void SmartLoopBLE::save(const wire::Memory &memory) {
  this->memory_preference_.save(&memory);
  global_preferences->sync();
}

void SmartLoopBLE::save(size_t place, const wire::Event &event) { this->event_preferences_[place].save(&event); }

void SmartLoopBLE::dump_config() {
  const auto &address = this->identity_.address;
  ESP_LOGCONFIG(TAG, "SmartLoop device %02X:%02X:%02X:%02X:%02X:%02X, %s, %" PRIu32 " events so far, room for %u",
                address[0], address[1], address[2], address[3], address[4], address[5],
                this->memory_.has_key ? "with key" : "without key", this->memory_.next_id - 1,
                static_cast<unsigned>(this->capacity_));
}

}  // namespace esphome::smartloop_ble

#endif  // USE_ESP32
