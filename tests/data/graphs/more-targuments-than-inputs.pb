

xPlaceholder*
dtype0
B
d
MapDatasetx*

fR
g*"

Targuments
0000000002
0

g
a
b
r
yRelua"
ry