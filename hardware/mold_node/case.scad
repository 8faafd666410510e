// Case of the mold node: electronics and air in separate chambers, so that the board's warmth stays away
// from the sensor. Hang it with the air chamber below.
use <../common/box.scad>
part = "all"; // [all, base, lid, clip]
battery = false; // 18650 cell beside the board
probe_diameter = 6; // steel sleeve of the DS18B20
wall = 2;
$fn = 48;

length = battery ? 78 : 34;
width = battery ? 44 : 24;
air = 20;
inside = [length + wall + air, width, 22];

module base() {
  difference() {
    union() {
      box(inside);
      xiao_rails(width / 2 - 9);
      // The wall between the chambers, with a slot for four wires.
      difference() {
        translate([length, -0.5, -0.5]) cube([wall, width + 1, inside[2] - 4.5 + 0.5]);
        translate([length - 1, width / 2 - 4, 2]) cube([wall + 2, 8, 3]);
      }
    }
    usb_c(width / 2, 4.5);
    // Air from three sides.
    translate([length + wall + 2, 0, 3]) slots(air - 4, 13);
    translate([length + wall + 2, width, 3]) slots(air - 4, 13);
    translate([inside[0], 3, 3]) rotate([0, 0, 90]) slots(width - 6, 13);
    // The probe's cable.
    translate([length - 8, width, 8]) rotate([-90, 0, 0]) translate([0, 0, -4]) cylinder(d = 4.5, h = 10, $fn = 32);
    keyhole(length / 2 + 4, width / 2 - 4);
  }
}

module cover() {
  difference() {
    lid(inside);
    for (i = [0 : 2]) translate([length + wall + 4 + i * 5, 5, -5]) cube([2, width - 10, 12]);
  }
}

// Presses the probe into the corner: a strip with two wings for tape or paint-safe glue.
module clip() {
  difference() {
    union() {
      translate([-18, 0, 0]) cube([36, 14, 1.6]);
      translate([0, 0, probe_diameter / 2 + 0.6]) rotate([-90, 0, 0]) cylinder(d = probe_diameter + 4, h = 14, $fn = 48);
    }
    translate([0, -1, probe_diameter / 2 + 0.6]) rotate([-90, 0, 0]) cylinder(d = probe_diameter + 0.3, h = 16, $fn = 48);
    translate([-20, -1, -20]) cube([40, 16, 20]);
    // Open towards the wall: metal touches it.
    translate([-probe_diameter * 0.4, -1, -1]) cube([probe_diameter * 0.8, 16, probe_diameter / 2 + 1]);
  }
}

if (part == "base" || part == "all") base();
if (part == "lid") cover();
if (part == "clip") clip();
if (part == "all") {
  translate([0, width + 14, 0]) cover();
  translate([inside[0] + 32, 4, 0]) clip();
}
