// Case of the leak node: stands or hangs above the floor, cables leave downwards; and a clamp that presses the
// thermometer against the pipe.
use <../common/box.scad>
part = "all"; // [all, base, lid, clamp]
battery = false; // 18650 cell beside the board
pipe_diameter = 22; // 15, 18, 22, 28: outside, in mm
probe_diameter = 6; // steel sleeve of the DS18B20
wall = 2;
$fn = 48;

inside = battery ? [80, 44, 22] : [40, 28, 18];

module base() {
  difference() {
    union() {
      box(inside);
      xiao_rails(inside[1] / 2 - 9);
      // Ears for screws or cable ties.
      for (x = [-wall - 10, inside[0] + wall - 0.5]) difference() {
        translate([x, inside[1] / 2 - 7, -wall]) cube([10.5, 14, 3]);
        translate([x + 5.2, inside[1] / 2, -wall - 1]) cylinder(d = 4.2, h = 6, $fn = 32);
      }
    }
    usb_c(inside[1] / 2, 4.5);
    // Rope, pipe, meter and relay.
    for (i = [0 : 3]) translate([inside[0] - 6 - i * 7, 0, 7]) rotate([90, 0, 0]) translate([0, 0, -4]) cylinder(d = 4.5, h = 10, $fn = 32);
  }
}

// A saddle on the pipe; the probe lies in the groove, a cable tie goes through each slot.
module clamp() {
  high = pipe_diameter * 0.35 + probe_diameter + 3;
  wide = pipe_diameter * 0.85;
  difference() {
    translate([-wide / 2, 0, 0]) rounded([wide, 30, high], 2);
    // The pipe from above, the probe's groove at its foot: metal on metal.
    translate([0, -1, high + pipe_diameter * 0.5 - pipe_diameter * 0.35]) rotate([-90, 0, 0]) cylinder(d = pipe_diameter + 0.4, h = 32, $fn = 96);
    hull() for (up = [0, probe_diameter])
      translate([0, -1, high - pipe_diameter * 0.35 - probe_diameter * 0.5 + 0.5 + up]) rotate([-90, 0, 0]) cylinder(d = probe_diameter + 0.3, h = 32, $fn = 48);
    for (y = [4, 21]) translate([-wide, y, 1.2]) cube([2 * wide, 5, 1.6]);
  }
}

if (part == "base" || part == "all") base();
if (part == "lid") lid(inside);
if (part == "clamp") clamp();
if (part == "all") {
  translate([0, inside[1] + 14, 0]) lid(inside);
  translate([inside[0] + 40, 0, 0]) clamp();
}
