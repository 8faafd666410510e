// Parts of the bed node: four cups under the bed's feet with a load cell each, the box of the amplifier, and a
// stand for the radar.
use <../common/box.scad>
part = "all"; // [all, foot, base, lid, stand]
foot_diameter = 60; // of the bed's foot; more for castors
cell = [34.2, 34.2]; // half-bridge cell 50 kg, its frame
cell_free = 23; // the middle that must be able to bend
wall = 2;
$fn = 48;
tilt = 15; // of the radar, downwards

inside = [62, 30, 18];

// The cell lies in the cup, its frame on the step; its middle hangs free and is pressed down by the foot's plate.
module foot() {
  outer = max(foot_diameter + 8, 56);
  difference() {
    cylinder(d = outer, h = 16, $fn = 96);
    translate([0, 0, 10]) cylinder(d = foot_diameter + 1, h = 10, $fn = 96);
    translate([-cell[0] / 2, -cell[1] / 2, 5]) cube([cell[0], cell[1], 12]);
    translate([-cell_free / 2, -cell_free / 2, 2]) cube([cell_free, cell_free, 12]);
    // Its three wires.
    translate([0, -2.5, 5]) cube([outer, 5, 4]);
  }
}

module base() {
  difference() {
    union() {
      box(inside);
      xiao_rails(inside[1] / 2 - 9);
      // The amplifier's board stands between two ribs.
      for (x = [30, 56]) translate([x, -0.5, -0.5]) cube([1.5, 6, 6]);
    }
    usb_c(inside[1] / 2, 4.5);
    for (i = [0 : 3]) translate([inside[0], 6 + i * 6, 8]) rotate([0, 90, 0]) translate([0, 0, -4]) cylinder(d = 4.2, h = 10, $fn = 32);
    keyhole(inside[0] / 2 - 4, inside[1] / 2 - 4);
  }
}

// Holds the MR60BHA2 kit (55 x 55 mm) at the headboard, looking down at the chest; the face stays free.
module stand() {
  difference() {
    union() {
      translate([0, 0, 0]) rounded([62, 40, 3], 3);
      translate([0, 34, 0]) rotate([tilt, 0, 0]) translate([0, 0, -1]) cube([62, 4, 46]);
      translate([0, 34, 0]) rotate([tilt, 0, 0]) translate([0, -7, 4]) cube([62, 8, 3]);
      translate([0, 34, 0]) rotate([tilt, 0, 0]) translate([0, -7, 6.9]) cube([62, 2, 4]);
    }
    translate([-1, -1, -20]) cube([70, 80, 20]);
    for (x = [10, 52]) translate([x, 12, -1]) cylinder(d = 4.5, h = 6, $fn = 32);
    translate([0, 34, 0]) rotate([tilt, 0, 0]) translate([26, -2, 14]) cube([10, 8, 24]);
  }
}

if (part == "foot" || part == "all") translate([0, 0, 0]) foot();
if (part == "base") base();
if (part == "lid") lid(inside);
if (part == "stand") stand();
if (part == "all") {
  translate([50, -10, 0]) base();
  translate([50, 38, 0]) lid(inside);
  translate([132, -10, 0]) stand();
}
