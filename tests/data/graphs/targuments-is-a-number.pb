

xPlaceholder*
dtype0
9
d
MapDatasetx*

fR
g*

Targumentsÿÿÿÿÿÿÿÿÿ+
)

g
a
r
yRelua"
ry