from Cython.Build import cythonize
from setuptools import Extension, setup
setup(ext_modules=cythonize([Extension("clausal.engine._core", ["engine/_core.pyx"])], build_dir="build/cython/release"))
