// Zigbee2MQTT external converter for SmartLoop's own Zigbee boards: copy it into `external_converters` of
// Zigbee2MQTT's data folder and restart. Standard clusters (temperature, humidity, PM2.5, CO2, occupancy) come by
// themselves; the bare numbers of ESPHome's Analog Inputs get their names and units here. Models and endpoints
// are those of the boards' YAML (and of SmartLoop's quirk for ZHA).
import * as exposes from 'zigbee-herdsman-converters/lib/exposes';
import * as m from 'zigbee-herdsman-converters/lib/modernExtend';

const BOARDS = [
  {
    model: 'SmartLoop dust node',
    description: 'Dust node: particles, CO2, temperature and humidity',
    standard: ['temperature', 'humidity', 'pm25', 'co2'],
    numbers: [
      {endpoint: 2, property: 'pm1', label: 'PM1', unit: 'µg/m³'},
      {endpoint: 3, property: 'pm10', label: 'PM10', unit: 'µg/m³'},
    ],
  },
  {
    model: 'SmartLoop mold node',
    description: 'Mold node: room air and the coldest surface',
    standard: ['places', 'temperatures', 'air_humidity'],
    numbers: [],
  },
  {
    model: 'SmartLoop mold node battery',
    description: 'Mold node on a battery: room air and the coldest surface',
    standard: [],
    numbers: [
      {endpoint: 1, property: 'temperature', label: 'Temperature', unit: '°C'},
      {endpoint: 2, property: 'humidity', label: 'Humidity', unit: '%'},
      {endpoint: 3, property: 'surface_temperature', label: 'Surface temperature', unit: '°C'},
    ],
  },
  {
    model: 'SmartLoop bed strip',
    description: 'Bed node: presence, movement and breathing',
    standard: ['occupancy'],
    numbers: [
      {endpoint: 2, property: 'bed_load', label: 'Bed load', unit: '%'},
      {endpoint: 3, property: 'bed_motion', label: 'Bed motion', unit: '%'},
      {endpoint: 4, property: 'breathing_rate', label: 'Breathing rate', unit: 'br/min'},
    ],
  },
];

const STANDARD = {
  temperature: () => m.temperature(),
  humidity: () => m.humidity(),
  pm25: () => m.pm25(),
  co2: () => m.co2(),
  occupancy: () => m.occupancy(),
  // Two thermometers: `temperature_air` and `temperature_surface`.
  places: () => m.deviceEndpoints({endpoints: {air: 1, surface: 2}}),
  temperatures: () => m.temperature({endpointNames: ['air', 'surface']}),
  air_humidity: () => m.humidity({endpointNames: ['air']}),
};

// One number: present value of the Analog Input on its endpoint. A missing value (NaN) is no value.
function number(each) {
  return {
    exposes: [
      exposes.presets
        .numeric(each.property, exposes.access.STATE)
        .withLabel(each.label)
        .withUnit(each.unit)
        .withDescription(each.label),
    ],
    fromZigbee: [
      {
        cluster: 'genAnalogInput',
        type: ['attributeReport', 'readResponse'],
        convert: (model, msg) => {
          const value = msg.data.presentValue;
          if (msg.endpoint.ID !== each.endpoint || !Number.isFinite(value)) return undefined;
          return {[each.property]: Math.round(value * 10) / 10};
        },
      },
    ],
    configure: [
      async (device, coordinator) => {
        const endpoint = device.getEndpoint(each.endpoint);
        if (!endpoint) return;
        await endpoint.bind('genAnalogInput', coordinator);
      },
    ],
    isModernExtend: true,
  };
}

export {BOARDS};
export default BOARDS.map((board) => ({
  zigbeeModel: [board.model],
  model: board.model,
  vendor: 'SmartLoop',
  description: board.description,
  extend: [...board.standard.map((name) => STANDARD[name]()), ...board.numbers.map(number)],
}));
